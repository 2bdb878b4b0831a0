import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { testLab } from '../../src/lab/index.ts';
import { nodeEnvironment, onNode } from '../../src/lab/node.ts';
import type { PairReport } from '../../src/model/connectivity.ts';
import { runOn, useLab } from '../support/lab.ts';
import { addContainers } from '../support/lab-daemon.ts';
import { withoutLoss } from '../support/pairs.ts';
import { until } from '../support/until.ts';

for (const backend of ['vxlan', 'udp', 'host-gw'] as const)
  describe(`test connectivity through containers: ${backend}`, function () {
    this.timeout(240_000);
    const test = useLab({ name: `lab-conn-c-${backend}`, backend });

    async function pair(from: number, ...args: string[]): Promise<PairReport> {
      const argv = ['tsflannel', 'test', 'connectivity', '--json', '--load-rate', '0', ...args];
      const [report] = await withoutLoss(async () => {
        const { stdout } = await runOn(test.lab, test.node(from), argv);
        return (JSON.parse(stdout) as { pairs: PairReport[] }).pairs;
      });
      assert.ok(report);
      return report;
    }

    /** Another program's firewall, which no rule of ours can overrule. */
    const shut = (number: number) =>
      test.run(
        number,
        'nft',
        'add table ip shut; add chain ip shut f { type filter hook forward priority 0; policy drop; }',
      );
    const open = (number: number) => test.run(number, 'nft', 'delete', 'table', 'ip', 'shut');

    it('measures from container to container of every pair of a lab', async () => {
      await addContainers(test, [1, 2]);
      for (const number of [1, 2]) await test.run(number, 'ip', 'link', 'set', 'pods', 'mtu', '1400');
      const pairs = await withoutLoss(() => testLab(test.lab, ['--load-rate=100', '--load-seconds=1']));
      assert.deepEqual(
        pairs.map(({ from, to, result, containers }) => [from, to, result, containers?.there, containers?.way?.tcp]),
        [
          ['n1', 'n2', 'ok', 'answered', 'refused'],
          ['n2', 'n1', 'ok', 'answered', 'refused'],
        ],
        JSON.stringify(pairs),
      );
      for (const { containers } of pairs)
        assert.deepEqual([containers?.way?.largest, containers?.way?.udp], [1400, 'refused']);
    });

    it('knows that a node forwards where no container runs', async () => {
      const { containers, result } = await pair(1);
      assert.deepEqual([containers?.there, containers?.mute, result], ['unreachable', undefined, 'ok']);
    });

    if (backend !== 'vxlan') return;

    it('a node without a bridge has no way of containers', async () => {
      await test.run(2, 'ip', 'link', 'delete', 'pods');
      const [there, here] = [await pair(1), await pair(2)];
      await addContainers(test, [2]);
      assert.deepEqual([there.containers?.there, there.result], ['none', 'ok']);
      assert.deepEqual([here.containers, here.result], [undefined, 'ok']);
    });

    it('names the node that does not forward', async () => {
      await shut(2);
      const bundle = join(test.node(1).dir, 'failed.tar.gz');
      const [there, here] = [await pair(1, '--collect', bundle), await pair(2)];
      await open(2);
      assert.match(there.cause ?? '', /^n2 answers itself, but does not forward to containers/);
      assert.match(here.cause ?? '', /^n2 does not forward what its containers send: n1 answers the host itself/);
      assert.deepEqual([there.result, here.result, existsSync(bundle)], ['fail', 'fail', true]);
    });

    it('names a container that is there and mute, and one that is named', async () => {
      const { subnet = '' } = await pair(1);
      const second = subnet.replace(/0\/24$/, '2');
      // As Docker 28 does for each container, before a packet is routed.
      await test.run(2, 'nft', `add table ip shut; add chain ip shut p { type filter hook prerouting priority -300; }`);
      await test.run(2, 'nft', `add rule ip shut p iifname != pods ip daddr ${second} drop`);
      const [found, named] = [await pair(1, 'n2'), await pair(1, second)];
      await open(2);
      assert.deepEqual([found.result, found.containers?.mute], ['warn', second]);
      assert.match(named.cause ?? '', new RegExp(`the container ${second} of n2 does not answer, n2 itself does`));
    });

    it('names a bridge that takes more than the network', async () => {
      for (const number of [1, 2]) await test.run(number, 'ip', 'link', 'set', 'pods', 'mtu', '1500');
      const [report] = await withoutLoss(() => testLab(test.lab, ['--load-rate=0']));
      assert.equal(report?.result, 'warn');
      assert.match(report?.cause ?? '', /pods takes packets of 1500 bytes, the network of 1450/);
      assert.equal(report?.fix, 'tsflannel docker apply');
    });

    for (const signal of ['SIGINT', 'SIGKILL'] as const)
      it(`leaves nothing when ${signal} ends it`, async () => {
        const devices = async () => (await test.run(1, 'ip', '-brief', 'link')).stdout;
        const [program, ...rest] = onNode(test.node(1), ['tsflannel', 'test', 'connectivity', '--answer', '600']);
        const child = spawn(program, rest, { env: nodeEnvironment(test.lab, test.node(1)), stdio: 'ignore' });
        const ended = once(child, 'exit');
        await until('the device', async () => (await devices()).includes(`tsfl-${child.pid}`), 60_000);
        child.kill(signal);
        await ended;
        await until('the end of the device', async () => !(await devices()).includes('tsfl-'), 60_000);
      });
  });
