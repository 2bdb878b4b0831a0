import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOn, useLab } from '../support/lab.ts';
import { daemonLog, statusOf, upAgain } from '../support/lab-daemon.ts';
import { until } from '../support/until.ts';

describe('two nodes that look like one', () => {
  const test = useLab({ name: 'lab-ident', backend: 'vxlan' });
  const leases = async () => JSON.parse((await test.run(1, 'tsflannel', 'leases', '--json')).stdout).leases;
  const stateOf = (number: number) => join(test.node(number).dir, 'state', 'node.json');

  it('a copied disk gets an id and a subnet of its own; the first owner keeps both', async () => {
    const { node: first } = await statusOf(test, 1);
    await test.run(2, 'tsflannel', 'down', '--purge');
    mkdirSync(join(stateOf(2), '..'), { recursive: true });
    copyFileSync(stateOf(1), stateOf(2));
    const begun = performance.now();
    const second = await upAgain(test, 2);
    console.log(`      up after ${Math.round(performance.now() - begun)} ms`);
    assert.notEqual(second.nodeId, first?.nodeId);
    assert.notEqual(second.subnet, first?.subnet);
    assert.match(daemonLog(test.node(2)), /node-id-cloned/);
    assert.equal(JSON.parse(readFileSync(stateOf(2), 'utf8')).nodeId, second.nodeId);
    assert.equal((await statusOf(test, 1)).node?.subnet, first?.subnet);
    await until('the first is well', async () => (await statusOf(test, 1)).state === 'ok');
    assert.equal((await leases()).length, 2);
    assert.doesNotMatch(daemonLog(test.node(1)), /lease-(overwritten|lost)/);
  }).timeout(240_000);

  it('a second node at an address that is taken is refused, and leaves no lease', async () => {
    await test.run(2, 'tsflannel', 'down', '--purge');
    const begun = performance.now();
    const ran = await runOn(test.lab, test.node(2), ['tsflannel', 'up', '--public-ip', '198.18.0.1', '--json']);
    const ms = performance.now() - begun;
    assert.deepEqual([JSON.parse(ran.stdout).error.code, ran.exit], ['PUBLIC_IP_TAKEN', 6]);
    console.log(`      refused after ${Math.round(ms)} ms`);
    assert.ok(ms < 60_000, `${ms} ms`);
    assert.equal((await leases()).length, 1);
    await upAgain(test, 2);
    assert.equal((await leases()).length, 2);
  }).timeout(240_000);
});
