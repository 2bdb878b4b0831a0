import assert from 'node:assert/strict';
import type { Hop } from '../../src/trace/hops.ts';
import { runOn, useLab } from '../support/lab.ts';
import { addContainers } from '../support/lab-daemon.ts';
import { until } from '../support/until.ts';

for (const backend of ['vxlan', 'udp', 'host-gw'] as const)
  describe(`tsflannel trace: ${backend}`, () => {
    const test = useLab({ name: `lab-trace-${backend}`, backend });
    let [from, to] = ['', ''];

    async function hops(...args: string[]): Promise<{ exit: number; hops: readonly Hop[] }> {
      const { exit, stdout } = await runOn(test.lab, test.node(1), ['tsflannel', 'trace', '--json', ...args]);
      return { exit, hops: (JSON.parse(stdout) as { hops: Hop[] }).hops };
    }
    /** Once all requests are answered: each has a second for its answer, which a busy machine may take longer for. */
    async function answeredHops(...args: string[]) {
      let seen = await hops(...args);
      await until('all requests are answered', async () => {
        if (seen.hops.some(({ hop, result }) => hop === 'answer' && result === 'ok')) return true;
        seen = await hops(...args);
        return false;
      });
      return seen;
    }
    const names = (all: readonly Hop[]) => all.map(({ hop }) => hop);

    it('follows a packet from a container to one of another node', async () => {
      const [own = '', other = ''] = await addContainers(test, [1, 2]);
      // Two that a bridge would have.
      [from, to] = [own.replace(/\.1$/, '.9'), other.replace(/\.1$/, '.9')];
      const seen = await answeredHops(to, '--from', from);
      assert.deepEqual([seen.exit, seen.hops.filter(({ result }) => result !== 'ok')], [0, []], JSON.stringify(seen));
      const tunnel = { vxlan: ['device', 'neighbour', 'FDB'], udp: ['device', 'carrier'], 'host-gw': ['device'] }[
        backend
      ];
      const rules = ['sender', 'TSFLANNEL-FWD', 'route', 'lease', 'TSFLANNEL-POSTRTG'];
      assert.deepEqual(names(seen.hops), [...rules, ...tunnel, 'underlay', 'answer']);
    });

    it('takes a node’s name, and what the host itself sends', async () => {
      const seen = await answeredHops('n2');
      assert.equal(seen.exit, 0, JSON.stringify(seen));
      assert.ok(!names(seen.hops).includes('TSFLANNEL-FWD'));
    });

    it('names the hop that is broken', async () => {
      await test.run(2, 'ip', 'link', 'set', 'eth0', 'down');
      const { exit, hops: broken } = await hops(to, '--from', from);
      await test.run(2, 'ip', 'link', 'set', 'eth0', 'up');
      assert.equal(exit, 8);
      assert.deepEqual(names(broken.filter(({ result }) => result === 'fail')), ['answer']);
      const nowhere = await hops('172.17.0.254', '--from', from);
      assert.match(JSON.stringify(nowhere.hops), /nobody leases the subnet/);
    });
  });
