/**
 * A real flanneld on one host, tsflannel on the other. Runs where FLANNELD names the program (v0.28.9 built from its source); without
 * it these tests are not registered at all.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { pingable, sourceSeen } from '../support/containers.ts';
import { type Container, type Ground, type Host, makeGround, type Running, subnetOf } from '../support/ground.ts';
import { leftNothing, snapshot } from '../support/leaks.ts';
import { until } from '../support/until.ts';

const FLANNELD = process.env.FLANNELD ?? '';
const NAME = 'tsfd';
const MINE = { mine: new RegExp(`\\b${NAME}(u|\\d|-)`) };
const SUBNETS = '/coreos.com/network/subnets';

const ready = (host: Host, program: Running) =>
  until(`${host.name} has a subnet`, async () => {
    assert.equal(program.exit(), undefined, program.said());
    return (await host.env()).FLANNEL_SUBNET !== undefined;
  });

const keyOf = (subnet: string): string => `${SUBNETS}/${subnet.replace('/', '-')}`;

interface Entry {
  readonly value: Readonly<Record<string, unknown>>;
  /** Of the etcd lease, as etcdctl takes it. */
  readonly lease: string;
}

async function read({ etcd }: Ground, subnet: string): Promise<Entry> {
  const text = await etcd.ctl('get', keyOf(subnet), '-w', 'json');
  const [kv] = (JSON.parse(text) as { kvs: { value: string }[] }).kvs;
  // A lease id exceeds what a JSON number holds.
  const lease = BigInt(/"lease":(\d+)/.exec(text)?.[1] ?? 0).toString(16);
  return { value: JSON.parse(Buffer.from(kv?.value ?? '', 'base64').toString()), lease };
}

const put = async ({ etcd }: Ground, subnet: string, { value, lease }: Entry): Promise<unknown> =>
  etcd.ctl('put', '--lease', lease, keyOf(subnet), JSON.stringify(value));

/** As after a reboot: nothing of flanneld's is left in the kernel. */
async function forgetFlanneld(host: Host): Promise<void> {
  const devices = JSON.parse(await host.run('ip', '-j', 'link', 'show', 'type', 'vxlan')) as { ifname?: string }[];
  for (const { ifname } of devices) if (ifname) await host.run('ip', 'link', 'delete', ifname);
  await host.run('ip', 'route', 'flush', 'root', '172.20.0.0/16', 'proto', 'boot');
  await rm(host.subnetFile, { force: true });
}

/** What `tsflannel leases` says on a host, by subnet. */
async function leases(host: Host): Promise<ReadonlyMap<string, Record<string, unknown>>> {
  const { leases: rows } = JSON.parse(await host.tsflannel('leases', '--json')) as {
    leases: Record<string, unknown>[];
  };
  return new Map(rows.map((row) => [String(row.subnet), row]));
}

const hasRoute = async (host: Host, subnet: string): Promise<boolean> =>
  (await host.run('ip', 'route', 'show', 'exact', subnet)) !== '';

interface Pair {
  readonly ground: Ground;
  readonly theirs: Host;
  readonly ours: Host;
  readonly theirContainer: Container;
  readonly ourContainer: Container;
  flanneld: Running;
  tsflannel: Running;
}

async function makePair(backend: string): Promise<Pair> {
  const ground = await makeGround(NAME, 2);
  const [theirs, ours] = ground.hosts as [Host, Host];
  await ours.tsflannel('config', 'set', '--network', '172.20.0.0/16', '--backend', backend);
  // flanneld leaves this to Docker.
  await theirs.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
  const flanneld = theirs.startFlanneld(FLANNELD, '--ip-masq');
  await ready(theirs, flanneld);
  const tsflannel = ours.startTsflannel('up', '--ip-masq');
  await ready(ours, tsflannel);
  const theirContainer = await ground.attach(theirs);
  return { ground, theirs, ours, flanneld, tsflannel, theirContainer, ourContainer: await ground.attach(ours) };
}

async function bothWays({ ourContainer, theirContainer }: Pair): Promise<void> {
  await pingable(ourContainer, theirContainer);
  await pingable(theirContainer, ourContainer);
}

async function startFlanneld(pair: Pair): Promise<void> {
  await rm(pair.theirs.subnetFile, { force: true });
  pair.flanneld = pair.theirs.startFlanneld(FLANNELD, '--ip-masq');
  await ready(pair.theirs, pair.flanneld);
}

async function startOurs(pair: Pair): Promise<void> {
  await rm(pair.ours.subnetFile, { force: true });
  pair.tsflannel = pair.ours.startTsflannel('up', '--ip-masq');
  await ready(pair.ours, pair.tsflannel);
}

function suite(backend: 'udp' | 'vxlan' | 'host-gw'): void {
  let pair: Pair;
  let before: Awaited<ReturnType<typeof snapshot>>;
  beforeEach(async () => {
    before = await snapshot(MINE);
    pair = await makePair(backend);
  });
  afterEach(async () => {
    await pair.ground.close();
    await leftNothing(before, () => snapshot(MINE));
  });

  it('carries packets between containers, who see the address of each other', async () => {
    const { ourContainer, theirContainer } = pair;
    await bothWays(pair);
    assert.equal(await sourceSeen(ourContainer, theirContainer), ourContainer.ip);
    assert.equal(await sourceSeen(theirContainer, ourContainer), theirContainer.ip);
  });

  it('reads the lease of flanneld, and has its own read by it', async () => {
    const { ground, ours, theirs, flanneld } = pair;
    const [our, their] = [await subnetOf(ours), await subnetOf(theirs)];
    const seen = await leases(ours);
    assert.deepEqual([...seen.keys()].sort(), [our, their].sort());
    assert.equal(seen.get(their)?.publicIp, theirs.ip);
    assert.equal(typeof (await read(ground, our)).value.NodeID, 'string');
    assert.match(flanneld.said(), new RegExp(`got valid subnet event|Subnet added: ${our}`));
    assert.doesNotMatch(flanneld.said(), /^E\d{4} .*lease/m);
  });

  it('follows a flanneld that is started again, with another device too', async () => {
    const subnet = await subnetOf(pair.theirs);
    await pair.flanneld.stop();
    await forgetFlanneld(pair.theirs);
    await startFlanneld(pair);
    assert.equal(await subnetOf(pair.theirs), subnet);
    await bothWays(pair);
  });

  it('is followed by flanneld when it is started again', async () => {
    const subnet = await subnetOf(pair.ours);
    await pair.tsflannel.stop('SIGKILL');
    await startOurs(pair);
    assert.equal(await subnetOf(pair.ours), subnet);
    await bothWays(pair);
  });

  it('forgets a flanneld whose lease has ended, and is forgotten by it', async () => {
    const { ground, ours, theirs } = pair;
    const [our, their] = [await subnetOf(ours), await subnetOf(theirs)];
    await bothWays(pair);
    await pair.tsflannel.stop();
    await ground.etcd.ctl('lease', 'revoke', (await read(ground, our)).lease);
    if (backend !== 'udp') await until('flanneld drops the route', async () => !(await hasRoute(theirs, our)));
    await startOurs(pair);
    assert.equal(await subnetOf(ours), our);
    await bothWays(pair);
    await pair.flanneld.stop();
    await ground.etcd.ctl('lease', 'revoke', (await read(ground, their)).lease);
    await until('the lease is gone', async () => !(await leases(ours)).has(their));
    if (backend !== 'udp') await until('the route is gone', async () => !(await hasRoute(ours, their)));
  });

  it('takes over the subnet of a flanneld that was here, and keeps what it does not know', async () => {
    const { ground, theirs } = pair;
    const subnet = await subnetOf(theirs);
    await pair.flanneld.stop();
    await forgetFlanneld(theirs);
    const entry = await read(ground, subnet);
    await put(ground, subnet, { ...entry, value: { ...entry.value, Rack: { row: 4, unit: '17' } } });
    const taken = theirs.startTsflannel('up', '--ip-masq');
    await ready(theirs, taken);
    assert.equal(await subnetOf(theirs), subnet);
    const now = await read(ground, subnet);
    assert.deepEqual(now.value.Rack, { row: 4, unit: '17' });
    assert.equal(now.lease, entry.lease);
    await bothWays(pair);
  });

  it('gives a subnet back to flanneld', async () => {
    const { ground, ours } = pair;
    const subnet = await subnetOf(ours);
    await pair.tsflannel.stop();
    const entry = await read(ground, subnet);
    await ours.tsflannel('down');
    // The lease ended with `down`; as it would stand there after a crash:
    await ground.etcd.ctl('put', keyOf(subnet), JSON.stringify(entry.value));
    const flanneld = ours.startFlanneld(FLANNELD, '--ip-masq');
    await ready(ours, flanneld);
    await ours.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
    assert.equal(await subnetOf(ours), subnet);
    await bothWays(pair);
  });

  if (backend !== 'host-gw')
    it('keeps its hands off the device of a flanneld that runs', async () => {
      const { ground, theirs } = pair;
      const subnet = await subnetOf(theirs);
      const entry = await read(ground, subnet);
      const second = theirs.startTsflannel('up', '--ip-masq');
      await until('it gives up', () => second.exit() !== undefined);
      assert.match(second.said(), /ip link delete dev flannel/);
      assert.deepEqual(await read(ground, subnet), entry);
      await bothWays(pair);
    });
}

if (FLANNELD !== '')
  describe('beside a real flanneld', function () {
    this.timeout(240_000);
    for (const backend of ['udp', 'vxlan', 'host-gw'] as const) describe(backend, () => suite(backend));
  });
