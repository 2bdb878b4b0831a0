import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Ran, runOn } from '../../src/lab/index.ts';
import { ERROR, SCHEMAS } from '../../src/schema/schema.ts';
import { useHosts } from '../support/hosts.ts';
import { schemaFaults } from '../support/json-schema.ts';
import { TEST_LABS, useLab } from '../support/lab.ts';
import { json, purge, succeeds } from '../support/members.ts';

/** What does not fit, a line each. */
function faultsIn(name: string, argv: readonly string[], { stdout, stderr }: Omit<Ran, 'exit'>): string[] {
  const schema = SCHEMAS.get(name);
  assert.ok(schema, name);
  try {
    return schemaFaults(schema, JSON.parse(stdout)).map((fault) => `${argv.join(' ')}: ${fault}`);
  } catch {
    return [`${argv.join(' ')}: ${stdout}${stderr}`];
  }
}

/** What is typed (DIR: the node's own folder), by the name of its schema. */
const TYPED: readonly (readonly [name: string, ...rest: string[]])[] = [
  ['version'],
  ['status'],
  ['routes'],
  ['leases'],
  ['plan'],
  ['wait', '--for', 'ready', '--for', 'etcd'],
  ['top'],
  ['ping', 'n2', '--count', '2'],
  ['trace', 'n2'],
  ['test connectivity', '--load-rate', '50'],
  ['config get'],
  ['config get', '--origins'],
  ['config view'],
  ['config view', '--origins'],
  ['etcd status'],
  ['etcd member list'],
  ['docker status'],
  ['docker opts', '-d', 'DIR/docker_opts.env'],
  ['docker opts', '--install', 'DIR/mk-docker-opts.sh'],
  ['doctor'],
  ['doctor', '--list'],
  ['doctor', '--fix', '--dry-run'],
  ['explain'],
  ['lab status', '--name', 'json-schema'],
];

/** Held below, or lines of a stream. */
const OTHERWISE = ['down', 'etcd watch', 'token revoke'];

/** On a member with TLS, in this order. */
const SECURED: readonly (readonly [name: string, ...rest: string[]])[] = [
  ['token create'],
  ['token list'],
  ['etcd status'],
  ['etcd member list'],
  ['etcd member promote', 'n1'],
  ['etcd member add', 'n2', '--peer-url', 'https://10.9.9.9:2380', '--dry-run'],
  ['config set', '--network', '10.5.0.0/16'],
  ['config validate', '--network', '10.6.0.0/16'],
  ['leases reserve', '10.5.7.0/24', '--public-ip', '10.9.9.7'],
  ['etcd get'],
  ['etcd put', '/coreos.com/network/config', '{"Network":"10.6.0.0/16"}', '--dry-run'],
  ['etcd del', '/coreos.com/network/config', '--dry-run'],
  ['leases release', '10.5.7.0/24', '--yes'],
  ['etcd compact', '--dry-run'],
  ['etcd defrag', '--dry-run'],
  ['etcd alarm list'],
  ['etcd alarm disarm'],
  ['etcd snapshot save', '--dir', 'DIR/snapshots'],
  ['etcd snapshot save', '--dir', 'DIR/snapshots', '--dry-run'],
  ['etcd snapshot list', '--dir', 'DIR/snapshots'],
  ['etcd snapshot schedule', '--dry-run'],
  ['etcd stop', '--dry-run'],
  ['cloud-init', '--network', '10.5.0.0/16'],
  ['completion', 'bash'],
  ['completion', '--values', 'members'],
  ['schema'],
  ['schema', 'status'],
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

  const faultsOf = async (name: string, argv: readonly string[]): Promise<string[]> => {
    const node = test.node(1);
    const typed = argv.map((word) => word.replace('DIR', node.dir));
    const line = ['env', `TSFLANNEL_LAB_DIR=${TEST_LABS}`, 'tsflannel', ...typed, '--json'];
    return faultsIn(name, argv, await runOn(test.lab, node, line));
  };

  it('is what the schemas say, by every command that has one', async () => {
    const faults: string[] = [];
    for (const [name, ...rest] of TYPED) faults.push(...(await faultsOf(name, [...name.split(' '), ...rest])));
    assert.deepEqual(faults, []);
    const typed = new Set([ERROR, ...OTHERWISE, ...TYPED.map(([name]) => name), ...SECURED.map(([name]) => name)]);
    assert.deepEqual(
      [...SCHEMAS.keys()].filter((name) => !typed.has(name)),
      [],
      'schemas that nothing is held against',
    );
  });

  it('is the error document when a command fails', async () => {
    for (const argv of FAILING) assert.deepEqual(await faultsOf(ERROR, argv), []);
  });

  it('is the same without a daemon, as far as there is something to say', async () => {
    assert.deepEqual(await faultsOf('down', ['down']), []);
    for (const name of ['status', 'routes', 'leases', 'plan', 'docker status', 'doctor'])
      assert.deepEqual(await faultsOf(name, name.split(' ')), []);
  });
});

describe('what --json prints of a secured cluster', function () {
  this.timeout(90_000);
  const { host } = useHosts('schema-tls', 1);

  it('is what the schemas say', async () => {
    succeeds(await host(1).tsflannel('init', '--yes', '--name', 'n1', '--size', '2', '--network', '10.5.0.0/16'));
    const faults: string[] = [];
    for (const [name, ...rest] of SECURED) {
      const argv = [...name.split(' '), ...rest.map((word) => word.replace('DIR', host(1).dir)), '--json'];
      const ran = await host(1).tsflannel(...argv);
      assert.ok([0, 8].includes(ran.exit), `${argv.join(' ')}: ${ran.stdout}${ran.stderr}`);
      faults.push(...faultsIn(name, argv, ran));
    }
    const { id } = json(await host(1).tsflannel('token', 'create', '--json'));
    const revoke = ['token', 'revoke', String(id), '--json'];
    faults.push(...faultsIn('token revoke', revoke, await host(1).tsflannel(...revoke)));
    assert.deepEqual(faults, []);
    rmSync(join(host(1).dir, 'snapshots'), { recursive: true });
    await purge(host(1));
  });
});
