import assert from 'node:assert/strict';
import { runOn } from '../../src/lab/index.ts';
import type { Schema } from '../../src/schema/build.ts';
import { ERROR, SCHEMAS } from '../../src/schema/schema.ts';
import { schemaFaults } from '../support/json-schema.ts';
import { TEST_LABS, useLab } from '../support/lab.ts';

/** What is typed, by the name of its schema. */
const TYPED: readonly (readonly [name: string, ...rest: string[]])[] = [
  ['version'],
  ['status'],
  ['routes'],
  ['leases'],
  ['plan'],
  ['wait', '--for', 'ready', '--for', 'etcd'],
  ['top'],
  ['ping', 'n2', '--count', '2'],
  ['test connectivity', '--load-rate', '50'],
  ['config get'],
  ['config get', '--origins'],
  ['config view'],
  ['config view', '--origins'],
  ['etcd status'],
  ['etcd member list'],
  ['token list'],
  ['docker status'],
  ['docker opts'],
  ['doctor'],
  ['doctor', '--list'],
  ['doctor', '--fix', '--dry-run'],
  ['explain'],
  ['lab status', '--name', 'json-schema'],
];

const FAILING: readonly (readonly string[])[] = [
  ['status', '--no-such-flag=canary'],
  ['no', 'such', 'command'],
  ['schema', 'no such command'],
  ['ping', 'nowhere'],
  ['config', 'get', '--etcd-endpoints', 'http://127.0.0.1:1'],
  ['lab', 'status', '--name', 'no-such-lab'],
];

describe('what --json prints', function () {
  this.timeout(120_000);
  const test = useLab({ name: 'json-schema', size: 2 });

  const printed = async (argv: readonly string[]): Promise<unknown> => {
    const line = ['env', `TSFLANNEL_LAB_DIR=${TEST_LABS}`, 'tsflannel', ...argv, '--json'];
    const { stdout, stderr } = await runOn(test.lab, test.node(1), line);
    try {
      return JSON.parse(stdout);
    } catch {
      return assert.fail(`${argv.join(' ')}: ${stdout}${stderr}`);
    }
  };
  /** What does not fit, a line each. */
  const faultsOf = async (name: string, argv: readonly string[]): Promise<string[]> =>
    schemaFaults(SCHEMAS.get(name) as Schema, await printed(argv)).map((fault) => `${argv.join(' ')}: ${fault}`);

  it('is what the schemas say, by every command that has one', async () => {
    const faults: string[] = [];
    for (const [name, ...rest] of TYPED) faults.push(...(await faultsOf(name, [...name.split(' '), ...rest])));
    assert.deepEqual(faults, []);
    const names = [...SCHEMAS.keys()].filter((name) => name !== ERROR && !TYPED.some(([typed]) => typed === name));
    assert.deepEqual(names, [], 'schemas that nothing was held against');
  });

  it('is the error document when a command fails', async () => {
    for (const argv of FAILING) assert.deepEqual(await faultsOf(ERROR, argv), []);
  });

  it('is the same without a daemon, as far as there is something to say', async () => {
    await test.run(1, 'tsflannel', 'down');
    for (const name of ['status', 'routes', 'leases', 'plan', 'docker status', 'doctor'])
      assert.deepEqual(await faultsOf(name, name.split(' ')), []);
  });
});
