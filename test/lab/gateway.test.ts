/** A third host, which is no node, reaches containers by way of a gateway; containers of the other node see the gateway. */
import assert from 'node:assert/strict';
import { pings, sourceSeen } from '../support/containers.ts';
import { type Container, type Ground, type Host, makeGround, subnetOf } from '../support/ground.ts';
import { leftNothing, type Snapshot, snapshot } from '../support/leaks.ts';
import { until } from '../support/until.ts';

const NAME = 'tsgw';
const MINE = { mine: new RegExp(`\\b${NAME}(u|\\d|-)`) };
const NETWORK = '172.20.0.0/16';

for (const backend of ['vxlan', 'host-gw', 'udp'])
  describe(`a gateway: ${backend}`, () => {
    let before_: Snapshot;
    let ground: Ground;
    let hosts: [Host, Host, Host];
    let containers: [Container, Container];

    before(async function () {
      this.timeout(240_000);
      before_ = await snapshot(MINE);
      ground = await makeGround(NAME, 3);
      hosts = ground.hosts as [Host, Host, Host];
      await hosts[0].tsflannel('config', 'set', '--network', NETWORK, '--backend', backend);
      for (const host of hosts.slice(0, 2)) await host.up();
      containers = [await ground.attach(hosts[0]), await ground.attach(hosts[1])];
    });
    after(async function () {
      this.timeout(240_000);
      await ground?.close();
      await leftNothing(before_, () => snapshot(MINE));
    });

    /** The host outside, as a container's ping is tested. */
    const outside = (): Container => ({ namespace: hosts[2].namespace, ip: hosts[2].ip });
    const enabled = async (): Promise<{ mode?: string; outside: string[]; gateways: { node: string }[] }> =>
      JSON.parse(await hosts[1].tsflannel('gateway', 'status', '--json'));

    it('is enabled on one node, says what the other side needs, and is known to all', async () => {
      const dry = await hosts[0].tsflannel('gateway', 'enable', '--dry-run');
      assert.match(dry, /would be a gateway/);
      assert.deepEqual((await enabled()).gateways, []);
      const text = await hosts[0].tsflannel('gateway', 'enable');
      const line = `ip route add ${NETWORK} via ${hosts[0].ip}`;
      assert.ok(text.includes(line), text);
      await until('the lease says so', async () => (await enabled()).gateways[0]?.node === hosts[0].name);
      assert.deepEqual((await enabled()).outside, [line]);
      await hosts[2].run(...line.split(' '));
    });

    it('lets a host from outside reach containers on both nodes', async () => {
      for (const container of containers) await until(`${container.ip} answers`, () => pings(outside(), container.ip));
      assert.equal(await sourceSeen(outside(), containers[0]), outside().ip);
      const gateway = [(await subnetOf(hosts[0])).replace(/\/\d+$/, ''), hosts[0].ip];
      assert.ok(gateway.includes(await sourceSeen(outside(), containers[1])));
      // Containers still see each other by their own addresses.
      assert.equal(await sourceSeen(containers[0], containers[1]), containers[0].ip);
    }).timeout(240_000);

    it('is no gateway any more when it is disabled; routed is refused where sources are checked', async () => {
      await hosts[0].tsflannel('gateway', 'disable');
      await until('the lease says so', async () => (await enabled()).gateways.length === 0);
      const rules = () => hosts[0].run('iptables-save', '-t', 'nat');
      await until('nothing is masqueraded', async () => !/MASQUERADE/.test(await rules()));
      const refused = await hosts[0].tsflannel('gateway', 'enable', '--mode', 'routed').catch(({ stderr }) => stderr);
      assert.match(refused, /GATEWAY_SOURCE_CHECK/);
    });
  });

describe('a routed gateway, where sources are not checked', () => {
  let before_: Snapshot;
  let ground: Ground;
  before(async function () {
    this.timeout(240_000);
    before_ = await snapshot(MINE);
    ground = await makeGround(NAME, 3);
  });
  after(async function () {
    this.timeout(240_000);
    await ground?.close();
    await leftNothing(before_, () => snapshot(MINE));
  });

  it('shows containers of other nodes the host’s own address', async () => {
    const [first, second, other] = ground.hosts as [Host, Host, Host];
    const config = ['--network', NETWORK, '--backend', 'vxlan', '--backend-option', 'SourceCheck=off'];
    await first.tsflannel('config', 'set', ...config);
    await first.tsflannel('gateway', 'enable', '--mode', 'routed');
    // Enabled before the node was ever up, and with masquerading for what leaves.
    for (const host of [first, second]) await host.up('--ip-masq');
    const container = await ground.attach(second);
    await other.run('ip', 'route', 'add', NETWORK, 'via', first.ip);
    assert.equal(await sourceSeen({ namespace: other.namespace, ip: other.ip }, container), other.ip);
  }).timeout(240_000);
});
