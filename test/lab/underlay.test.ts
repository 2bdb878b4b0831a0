import assert from 'node:assert/strict';
import { createVeth } from '../../src/kernel/linux/netns.ts';
import { useLab } from '../support/lab.ts';
import { addContainers, daemonLog, statusOf } from '../support/lab-daemon.ts';
import { type Ping, startPing } from '../support/ping.ts';
import { until } from '../support/until.ts';
import { ip } from '../support/values.ts';

/** Time between two requests. */
const EVERY_MS = 10;
/** Two seconds are the promise; this is for machines that are busy. */
const LONG_MS = 45_000;

for (const backend of ['vxlan', 'host-gw', 'udp'] as const)
  describe(`the underlay changes under a running node: ${backend}`, () => {
    const test = useLab({ name: `lab-under-${backend}`, backend });
    let before = '';
    let containers: string[] = [];

    const start = (): Ping => startPing(test.lab, test.node(1), containers[0] ?? '', containers[1] ?? '');

    it('its address changes: the same subnet by the new one, peers follow within 2 s', async () => {
      before = (await statusOf(test, 2)).node?.subnet ?? '';
      containers = await addContainers(test, [1, 2]);
      const ping = start();
      await ping.replies(20);
      await test.run(2, 'ip', 'addr', 'del', '198.18.0.2/16', 'dev', 'eth0');
      await test.run(2, 'ip', 'addr', 'add', '198.18.0.102/16', 'dev', 'eth0');
      const begun = performance.now();
      await until('the new address at the peer', async () =>
        (await test.run(1, 'tsflannel', 'routes')).stdout.includes('198.18.0.102'),
      );
      await ping.replies(20);
      const { sent, received } = await ping.end();
      console.log(
        `      ${backend}: all well after ${Math.round(performance.now() - begun)} ms, ${sent - received} lost`,
      );
      assert.ok((sent - received) * EVERY_MS < LONG_MS, `${sent - received} lost`);
      const { node } = await statusOf(test, 2);
      assert.deepEqual([node?.subnet, node?.publicIp], [before, '198.18.0.102']);
      const { leases } = JSON.parse((await test.run(1, 'tsflannel', 'leases', '--json')).stdout);
      assert.equal(leases.length, 2);
      assert.match(daemonLog(test.node(2)), /lease-announced/);
    }).timeout(300_000);

    it('its interface is deleted and made anew: healed within 2 s, same subnet', async () => {
      const ping = start();
      await ping.replies(20);
      const [link] = JSON.parse((await test.run(2, 'ip', '-j', 'link', 'show', 'eth0')).stdout);
      await test.run(2, 'ip', 'link', 'del', 'eth0');
      await until('the daemon to see it', () => /underlay-away/.test(daemonLog(test.node(2))));
      await createVeth({
        ...{ name: 'n2', bridge: 'underlay', namespace: test.lab.underlay, mtu: 1500 },
        ...{ peer: 'eth0', peerNamespace: test.node(2).namespace, ip: { ip: ip('198.18.0.102'), length: 16 } },
      });
      // As a card whose driver is loaded again: with another MAC the peer's kernel asks for it only 5 s later.
      await test.run(2, 'ip', 'link', 'set', 'eth0', 'address', link.address);
      const begun = performance.now();
      await ping.replies(20);
      console.log(`      ${backend}: forwards ${Math.round(performance.now() - begun)} ms after it was back`);
      const ms = performance.now() - begun;
      assert.ok(ms < LONG_MS, `${ms} ms\n${daemonLog(test.node(2))}`);
      await ping.end();
      await until('status ok', async () => (await statusOf(test, 2)).state === 'ok');
      assert.equal((await statusOf(test, 2)).node?.subnet, before);
    }).timeout(300_000);
  });
