import assert from 'node:assert/strict';
import { createBridge, createVeth } from '../../src/kernel/linux/netns.ts';
import { runOn, useLab } from '../support/lab.ts';
import { addContainers } from '../support/lab-daemon.ts';
import { startPing } from '../support/ping.ts';
import { until } from '../support/until.ts';
import { ip } from '../support/values.ts';

interface Lease {
  readonly publicIp: string;
}

describe('hosts with two interfaces', function () {
  this.timeout(240_000);
  const test = useLab({ name: 'lab-ifaces', backend: 'vxlan' });
  const publicIps = async (): Promise<string[]> => {
    const { leases } = JSON.parse((await test.run(1, 'tsflannel', 'leases', '--json')).stdout) as { leases: Lease[] };
    return leases.map(({ publicIp }) => publicIp).sort();
  };
  const upBy = async (number: number, ...flags: string[]): Promise<void> => {
    await test.run(number, 'tsflannel', 'down');
    await test.run(number, 'tsflannel', 'up', '--detach', ...flags);
  };
  const pings = async (from: string, to: string): Promise<void> => {
    const ping = startPing(test.lab, test.node(1), from, to);
    await ping.replies(5);
    await ping.end();
  };
  /** Packets that left the node by this device. */
  const sentBy = async (device: string): Promise<number> => {
    const [link] = JSON.parse((await test.run(1, 'ip', '-j', '-s', 'link', 'show', device)).stdout);
    return link.stats64.tx.packets as number;
  };

  before(async () => {
    await createBridge('second', undefined, test.lab.underlay);
    for (const number of [1, 2])
      await createVeth({
        ...{ name: `m${number}`, bridge: 'second', namespace: test.lab.underlay, mtu: 1400 },
        ...{
          peer: 'eth1',
          peerNamespace: test.node(number).namespace,
          ip: { ip: ip(`198.19.0.${number}`), length: 16 },
        },
      });
  });

  it('take the one of the default route when none is named', async () => {
    assert.deepEqual(await publicIps(), ['198.18.0.1', '198.18.0.2']);
  });

  it('take the one that is named, by name or by its address; packets go there, with its MTU', async () => {
    await upBy(1, '--iface', 'eth1');
    await upBy(2, '--iface', 'none0', '--iface-regex', '^198\\.19\\.');
    assert.deepEqual(await publicIps(), ['198.19.0.1', '198.19.0.2']);
    const { node } = JSON.parse((await test.run(1, 'tsflannel', 'status', '--json')).stdout);
    assert.deepEqual([node.interface, node.mtu], ['eth1', 1350]);
    const [one = '', two = ''] = await addContainers(test, [1, 2]);
    const before = await sentBy('eth1');
    await pings(one, two);
    assert.ok((await sentBy('eth1')) >= before + 5);
  });

  it('reach a node by the address it publishes, though it listens at another', async () => {
    await upBy(2, '--iface', 'eth0', '--public-ip', '198.19.0.2');
    assert.deepEqual(await publicIps(), ['198.19.0.1', '198.19.0.2']);
    const entries = async () => (await test.run(1, 'bridge', 'fdb', 'show', 'dev', 'flannel.1')).stdout;
    await until('node 1 sends there', async () => /dst 198\.19\.0\.2 /.test(await entries()));
  });

  it('are refused an interface that is not there', async () => {
    await test.run(2, 'tsflannel', 'down');
    const ran = await runOn(test.lab, test.node(2), ['tsflannel', 'up', '--iface', 'none0', '--json']);
    assert.equal(ran.exit, 3, `${ran.stdout}${ran.stderr}`);
    assert.equal(JSON.parse(ran.stdout).error.code, 'IFACE_NOT_FOUND');
    assert.equal((await publicIps()).length, 1);
  });
});
