import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/root.ts';
import { runContainer, runOn, useLab } from '../support/lab.ts';
import { sections } from '../support/page.ts';

/** What may end otherwise than well: a node that is not alone is told of everything. */
const LOOKS = new Set(['doctor', 'plan', 'status']);

describe('docs/three-nodes.md: each of its commands, in order', function () {
  this.timeout(900_000);
  const test = useLab({ name: 'lab-three', size: 3, bare: true, docker: true });
  const page = sections(readFileSync(join(packageRoot(), 'docs', 'three-nodes.md'), 'utf8'));
  let token = '';

  async function run(title: string): Promise<void> {
    const lines = page.get(title) ?? [];
    assert.ok(lines.length > 0, `there is no section ${title}`);
    for (const { node, argv } of lines) {
      const words = argv.map((word) => (word === 'TOKEN' ? token : word));
      const { exit, stdout, stderr } = await runOn(test.lab, test.node(node), ['tsflannel', ...words]);
      const fine = exit === 0 || (LOOKS.has(words[0] ?? '') && exit === 8);
      assert.ok(fine, `node-${node}# ${argv.join(' ')}: exit ${exit}\n${stdout}${stderr}`);
      token = /tsflannel join (\S+)/.exec(stdout)?.[1] ?? token;
    }
  }

  it('makes a cluster of three', () => run('A cluster'));
  it('makes the network', () => run('The network'));
  it('gives it to Docker: containers reach each other', async () => {
    await run('Docker');
    const addresses = [];
    for (const number of [1, 2]) addresses.push(await runContainer(test.lab, test.node(number), `c${number}`));
    const ping = ['docker', 'exec', 'c1', '/bin/busybox', 'ping', '-c', '2', '-W', '30', addresses[1] ?? ''];
    assert.match((await test.run(1, ...ping)).stdout, /2 packets received|0% packet loss/);
    for (const number of [1, 2]) await test.run(number, 'docker', 'rm', '--force', `c${number}`);
  });
  it('says what is wrong', () => run('When something is wrong'));
  it('goes away again', () => run('Away again'));
});
