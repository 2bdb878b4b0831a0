import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { useLab } from '../support/lab.ts';
import { addContainers, daemonLog, killDaemon, statusOf, upAgain } from '../support/lab-daemon.ts';
import { startPing } from '../support/ping.ts';
import { until } from '../support/until.ts';

/** Device of a backend whose loss means a reboot. */
const DEVICE = { vxlan: 'flannel.1', 'host-gw': undefined } as const;

for (const backend of ['vxlan', 'host-gw'] as const)
  describe(`a node that comes up while etcd is away: ${backend}`, () => {
    const test = useLab({ name: `lab-away-${backend}`, backend });
    let before = '';

    /** As a reboot leaves it: no daemon, nothing of ours in the kernel, no subnet.env. */
    async function reboot(): Promise<void> {
      await killDaemon(test.node(2));
      const device = DEVICE[backend];
      if (device) await test.run(2, 'ip', 'link', 'delete', device);
      await test.run(2, 'ip', 'route', 'flush', 'proto', '241');
      await test.run(2, 'nft', 'flush', 'ruleset');
      rmSync(join(test.node(2).dir, 'run', 'subnet.env'));
    }

    const key = () => `/coreos.com/network/subnets/${before.replace('/', '-')}`;
    const etcdctl = (...argv: string[]) => test.run(1, 'env', 'ETCDCTL_API=3', 'etcdctl', ...argv);

    it('restores its network from what it saw last, and says so', async () => {
      before = (await statusOf(test, 2)).node?.subnet ?? '';
      const [to = '', from = ''] = await addContainers(test, [1, 2]);
      // What is on disk may be some seconds behind.
      const view = join(test.node(2).dir, 'state', 'view.json');
      const leases = () => (existsSync(view) ? readFileSync(view, 'utf8').split('/subnets/').length - 1 : 0);
      await until('both leases on disk', () => leases() === 2);
      await test.run(1, 'tsflannel', 'etcd', 'stop');
      await reboot();
      const status = await upAgain(test, 2);
      assert.equal(status.subnet, before);
      assert.ok(status.cachedAt);
      const ping = startPing(test.lab, test.node(2), from, to);
      await ping.replies(20);
      await ping.end();
      const { state, checks } = await statusOf(test, 2);
      assert.equal(state, 'degraded');
      assert.ok(checks.some(({ detail }) => detail === `cached view of ${status.cachedAt}`));
      assert.match(daemonLog(test.node(2)), /cached view of/);
    }).timeout(240_000);

    it('holds its own lease again when etcd is back', async () => {
      const { stdout } = await test.run(1, 'tsflannel', 'init', '--yes', '--json');
      assert.ok(JSON.parse(stdout));
      const start = performance.now();
      await until('status ok', async () => (await statusOf(test, 2)).state === 'ok');
      console.log(`      ${backend}: ok ${Math.round(performance.now() - start)} ms after etcd was`);
      assert.equal((await statusOf(test, 2)).node?.subnet, before);
      const leases = JSON.parse((await test.run(1, 'tsflannel', 'leases', '--json')).stdout);
      assert.equal(leases.leases.length, 2);
    }).timeout(240_000);

    it('gives way when its subnet went to another node meanwhile', async () => {
      await test.run(2, 'nft', 'add', 'table', 'ip', 'cut');
      await test.run(2, 'nft', 'add', 'chain', 'ip', 'cut', 'out', '{ type filter hook output priority 0 ; }');
      await test.run(2, 'nft', 'add', 'rule', 'ip', 'cut', 'out', 'tcp', 'dport', '2379', 'drop');
      await killDaemon(test.node(2));
      await etcdctl('del', key());
      const stranger = JSON.stringify({ PublicIP: '198.18.0.77', PublicIPv6: null });
      await etcdctl('put', key(), stranger);
      assert.equal((await upAgain(test, 2)).subnet, before);
      await test.run(2, 'nft', 'delete', 'table', 'ip', 'cut');
      await until('another subnet', async () => {
        const { node } = await statusOf(test, 2);
        return node !== undefined && node.subnet !== before && node.cachedAt === undefined;
      });
      assert.equal((await etcdctl('get', '--print-value-only', key())).stdout, stranger);
      await until('the log tells', () => /run tsflannel docker apply/.test(daemonLog(test.node(2))));
    }).timeout(240_000);
  });
