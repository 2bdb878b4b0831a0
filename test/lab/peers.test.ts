import assert from 'node:assert/strict';
import type { RouteRow } from '../../src/model/report.ts';
import { useLab } from '../support/lab.ts';
import { killDaemon, statusOf, upAgain } from '../support/lab-daemon.ts';
import { until } from '../support/until.ts';

const BACKENDS = { vxlan: 'flannel.1', udp: 'flannel0', 'host-gw': 'eth0' } as const;

for (const [backend, device] of Object.entries(BACKENDS))
  describe(`peers are asked whether they answer: ${backend}`, () => {
    const test = useLab({ name: `lab-peers-${backend}`, backend: backend as keyof typeof BACKENDS });

    const peerOf = async (number: number): Promise<RouteRow | undefined> => {
      const { routes } = JSON.parse((await test.run(number, 'tsflannel', 'routes', '--json')).stdout);
      return (routes as RouteRow[]).find(({ state }) => state === 'ok');
    };
    const verdict = (number: number, wanted: string) =>
      until(`n${number} to call its peer ${wanted}`, async () => (await peerOf(number))?.liveness?.verdict === wanted);

    it('they do, and routes shows how long it takes', async () => {
      for (const number of [1, 2]) {
        await killDaemon(test.node(number));
        await upAgain(test, number, '--ask-peers-every', '1s');
      }
      await verdict(1, 'answers');
      assert.ok(((await peerOf(1))?.liveness?.rttMicros ?? 0) > 0);
      assert.match((await test.run(1, 'tsflannel', 'routes')).stdout, /RTT +LOSS.*\n.*\d(\.\d+)? m?s/s);
    }).timeout(300_000);

    it('a one-way failure is told apart, and named by status', async () => {
      const drop = ['INPUT', '-p', 'icmp', '-i', device, '-j', 'DROP'];
      await test.run(2, 'iptables', '-I', ...drop);
      await verdict(1, 'one-way');
      await until('status to name it', async () => {
        const check = (await statusOf(test, 1)).checks.find(({ name }) => name === 'peers');
        return check?.state === 'degraded' && /n2 .* does not hear this node/.test(check.detail);
      });
      await verdict(2, 'silent');
      await test.run(2, 'iptables', '-D', ...drop);
      await verdict(1, 'answers');
      await verdict(2, 'answers');
    }).timeout(900_000);

    it('nobody is asked when it is switched off', async () => {
      await killDaemon(test.node(1));
      await upAgain(test, 1, '--ask-peers-every', 'off');
      assert.equal((await peerOf(1))?.liveness, undefined);
    }).timeout(300_000);
  });
