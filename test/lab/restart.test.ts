import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LabNode, subnetOf } from '../../src/lab/index.ts';
import { type TestLab, useLab } from '../support/lab.ts';
import { type Ping, startPing } from '../support/ping.ts';
import { until } from '../support/until.ts';

const NUMBERS = [1, 2];

/** As a user's `kill -9` of the daemon: it gets no say. Resolves when the process is gone. */
async function killDaemon(node: LabNode): Promise<void> {
  const pid = Number(readFileSync(join(node.dir, 'run', 'daemon.pid'), 'utf8'));
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /up/);
  process.kill(pid, 'SIGKILL');
  await until('the end of the daemon', () => !existsSync(`/proc/${pid}`));
}

const subnetsOf = (test: TestLab) => Promise.all(NUMBERS.map((number) => subnetOf(test.node(number))));

/** An address of each node's subnet, on a bridge as Docker's would be. Resolves to the addresses. */
async function addContainers(test: TestLab): Promise<string[]> {
  const addresses: string[] = [];
  for (const number of NUMBERS) {
    const address = (await subnetOf(test.node(number)))?.replace(/0\/\d+$/, '1') ?? '';
    await test.run(number, 'ip', 'link', 'add', 'pods', 'type', 'bridge');
    await test.run(number, 'ip', 'addr', 'add', `${address}/24`, 'dev', 'pods');
    await test.run(number, 'ip', 'link', 'set', 'pods', 'up');
    addresses.push(address);
  }
  return addresses;
}

for (const backend of ['vxlan', 'host-gw', 'udp'] as const)
  describe(`a daemon killed with -9 and started again: ${backend}`, () => {
    const test = useLab({ name: `lab-kill-${backend}`, backend, size: NUMBERS.length });
    let before: readonly (string | undefined)[] = [];
    let ping: Ping;

    it('forwards before', async () => {
      before = await subnetsOf(test);
      const [from = '', to = ''] = await addContainers(test);
      // A bridge that has just come up loses the first packets.
      await test.run(1, 'ping', '-c', '1', '-w', '5', '-I', from, to);
      ping = startPing(test.lab, test.node(1), from, to);
      await ping.replies(50);
    });

    it(backend === 'udp' ? 'forwards again once it runs' : 'forwards while there is no daemon', async () => {
      await Promise.all(NUMBERS.map((number) => killDaemon(test.node(number))));
      if (backend !== 'udp') await ping.replies(100);
      await Promise.all(NUMBERS.map((number) => test.run(number, 'tsflannel', 'up', '--detach')));
      await ping.replies(100);
    }).timeout(60_000);

    it(backend === 'udp' ? 'lost only while it was away' : 'lost no packet', async () => {
      const { sent, received, text } = await ping.end();
      console.log(`      ${backend}: ${sent} sent, ${sent - received} lost`);
      assert.ok(received >= 150, text);
      // The last request may be on its way when ping ends.
      if (backend !== 'udp') assert.ok(sent - received <= 1 && !/icmp_seq=\d+ Dest/.test(text), text.slice(-300));
    });

    it('has the same subnet as before', async () => {
      assert.deepEqual(await subnetsOf(test), before);
      assert.equal(new Set(before).size, NUMBERS.length);
    });
  });
