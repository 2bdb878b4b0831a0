import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { inNamespace, testLab } from '../../src/lab/index.ts';
import type { PairReport } from '../../src/model/connectivity.ts';
import { runOn, useLab } from '../support/lab.ts';
import { withoutLoss } from '../support/pairs.ts';
import { until } from '../support/until.ts';

for (const backend of ['vxlan', 'udp', 'host-gw'] as const)
  describe(`test connectivity: ${backend}`, function () {
    this.timeout(240_000);
    const test = useLab({ name: `lab-conn-${backend}`, backend });

    /** nft where the bridge between the hosts is. */
    async function onUnderlay(...args: string[]): Promise<void> {
      const [program, ...rest] = inNamespace(test.lab.underlay, ['nft', ...args]);
      await execa(program, rest);
    }

    /** The report of the pair from n1 to n2, and the exit status. */
    async function pair(...args: string[]): Promise<{ exit: number; report: PairReport }> {
      const argv = ['tsflannel', 'test', 'connectivity', '--json', '--load-rate', '200', ...args];
      const { exit, stdout } = await runOn(test.lab, test.node(1), argv);
      const { pairs } = JSON.parse(stdout) as { pairs: PairReport[] };
      assert.equal(pairs.length, 1, stdout);
      const [report] = pairs;
      assert.ok(report);
      return { exit, report };
    }

    it('measures every pair of a lab', async () => {
      const pairs = await withoutLoss(() => testLab(test.lab, ['--load-rate=200', '--load-seconds=1']));
      const shown = pairs.map(({ from, to, result, tcp, udp, cause }) => ({ from, to, result, tcp, udp, cause }));
      const well = { result: 'ok', tcp: 'refused', udp: 'refused', cause: undefined };
      assert.deepEqual(shown, [
        { from: 'n1', to: 'n2', ...well },
        { from: 'n2', to: 'n1', ...well },
      ]);
      for (const { largest, mtu } of pairs) assert.equal(largest, mtu);
    });

    it('names what is too narrow, and writes it for CI servers', async () => {
      await test.run(2, 'ip', 'link', 'set', 'eth0', 'mtu', '1300');
      const file = join(test.node(1).dir, 'report.xml');
      const { exit, report } = await pair('--junit', file);
      await test.run(2, 'ip', 'link', 'set', 'eth0', 'mtu', '1500');
      assert.deepEqual([exit, report.result], [8, 'fail']);
      assert.match(report.cause ?? '', /packets of more than \d+ bytes do not arrive/);
      assert.match(readFileSync(file, 'utf8'), /failures="1"/);
    });

    it('tells a host that is down from a tunnel that is shut', async () => {
      const tunnel = { vxlan: '8472', udp: '8285', 'host-gw': undefined }[backend];
      if (tunnel) {
        await onUnderlay('add', 'table', 'netdev', 'shut');
        await onUnderlay('add', 'chain', 'netdev', 'shut', 'in', '{ type filter hook ingress device n1 priority 0 ; }');
        await onUnderlay('add', 'rule', 'netdev', 'shut', 'in', 'udp', 'dport', tunnel, 'drop');
        const { report } = await pair();
        assert.match(report.cause ?? '', new RegExp(`the tunnel does not.*${tunnel}`));
        await onUnderlay('delete', 'table', 'netdev', 'shut');
        await until('all is well', async () => (await pair()).report.result === 'ok');
      }
      await test.run(2, 'ip', 'link', 'set', 'eth0', 'down');
      const { exit, report } = await pair('n2');
      assert.equal(exit, 8);
      assert.match(report.cause ?? '', /does not answer either/);
      await test.run(2, 'ip', 'link', 'set', 'eth0', 'up');
      // Routes that went with the device are made again.
      await until('all is well again', async () => (await pair('n2')).report.result === 'ok');
    });

    it('ping asks one node by name, and says what the underlay does', async () => {
      await until('nothing is lost', async () => {
        const argv = ['tsflannel', 'ping', 'n2', '--count', '3', '--interval', '10', '--json'];
        const { overlay, underlay } = JSON.parse((await runOn(test.lab, test.node(1), argv)).stdout);
        assert.equal(overlay.sent, 3);
        return overlay.received === 3 && underlay.received === 3;
      });
      const nobody = await runOn(test.lab, test.node(1), ['tsflannel', 'ping', 'n9']);
      assert.equal(nobody.exit, 2);
      assert.match(nobody.stderr, /there is no peer n9 \(peers: n2\)/);
    });
  });
