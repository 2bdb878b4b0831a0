import assert from 'node:assert/strict';
import type { Ran } from '../../src/lab/index.ts';
import { runOn, useLab } from '../support/lab.ts';
import { daemonLog, daemonPid, killDaemon, statusOf, upAgain } from '../support/lab-daemon.ts';
import { until } from '../support/until.ts';

const SUBNETS = '/coreos.com/network/subnets';
/** Seconds: long enough that a busy machine renews in time, short enough to wait for its end. */
const TTL = 15;

describe('leases: time, reservations, giving back', () => {
  const test = useLab({ name: 'lab-leases', backend: 'host-gw' });
  const etcdctl = (...argv: string[]) => test.run(1, 'env', 'ETCDCTL_API=3', 'etcdctl', ...argv);
  const keyOf = (subnet: string) => `${SUBNETS}/${subnet.replace('/', '-')}`;
  const keyNow = async (subnet: string) =>
    JSON.parse((await etcdctl('get', '-w', 'json', keyOf(subnet))).stdout).kvs?.[0] as
      | { readonly mod_revision: number; readonly version: number; readonly lease?: number }
      | undefined;
  const subnetOf = async (number: number) => (await statusOf(test, number)).node?.subnet ?? '';
  /** A subnet that neither node leases: theirs are drawn at random. */
  const untaken = async () => {
    const taken = [await subnetOf(1), await subnetOf(2)];
    return ['172.17.240.0/24', '172.17.241.0/24', '172.17.242.0/24'].find((one) => !taken.includes(one)) ?? '';
  };
  const tsflannel = (...argv: string[]): Promise<Ran> => runOn(test.lab, test.node(1), ['tsflannel', ...argv]);
  const leaseLeft = async (subnet: string) => {
    const { leases } = JSON.parse((await tsflannel('leases', '--json')).stdout);
    return leases.find((row: { subnet: string }) => row.subnet === subnet)?.left as number | undefined;
  };

  it('a lease of the time that was asked for, also where one lives', async () => {
    const subnet = await subnetOf(2);
    assert.ok(((await leaseLeft(subnet)) ?? 0) > 80_000);
    await killDaemon(test.node(2));
    assert.equal((await upAgain(test, 2, '--lease-ttl', `${TTL}s`)).subnet, subnet);
    assert.ok(((await leaseLeft(subnet)) ?? 99) <= TTL);
  }).timeout(300_000);

  it('stopped past its time while another takes the subnet: never writes there, gives way within 2 s, and says what to do', async () => {
    const subnet = await subnetOf(2);
    const pid = daemonPid(test.node(2));
    process.kill(pid, 'SIGSTOP');
    try {
      await until('the end of its lease', async () => (await keyNow(subnet)) === undefined);
      await etcdctl('put', keyOf(subnet), JSON.stringify({ PublicIP: '198.18.0.77', PublicIPv6: null }));
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const start = performance.now();
    await until('another subnet', () => /subnet-changed/.test(daemonLog(test.node(2))));
    console.log(`      gave way after ${Math.round(performance.now() - start)} ms`);
    assert.notEqual(await subnetOf(2), subnet);
    assert.equal((await keyNow(subnet))?.version, 1);
    assert.match(daemonLog(test.node(2)), /run tsflannel docker apply/);
    await etcdctl('del', keyOf(subnet));
  }).timeout(300_000);

  it('a reservation outlives its node, and gets no TTL from it', async () => {
    const subnet = await subnetOf(2);
    assert.match((await tsflannel('leases', 'reserve', subnet, '--node', 'n2')).stdout, /is kept for n2/);
    assert.match((await tsflannel('leases', 'pin', subnet, '--node', 'n2')).stdout, /No change/);
    assert.equal((await keyNow(subnet))?.lease, undefined);
    await killDaemon(test.node(2));
    assert.equal((await upAgain(test, 2, '--lease-ttl', `${TTL}s`)).subnet, subnet);
    await test.run(2, 'tsflannel', 'down');
    assert.equal((await keyNow(subnet))?.lease, undefined);
    assert.equal((await upAgain(test, 2)).subnet, subnet);
    assert.equal((await keyNow(subnet))?.lease, undefined);
  }).timeout(300_000);

  it('another subnet, reserved while the node runs, is its own from the next start on', async () => {
    const before = await subnetOf(2);
    const wished = await untaken();
    assert.equal((await tsflannel('leases', 'release', before, '--yes')).exit, 0);
    await until('the lease again', async () => (await keyNow(before))?.lease !== undefined);
    assert.equal((await tsflannel('leases', 'reserve', wished, '--node', 'n2')).exit, 0);
    await killDaemon(test.node(2));
    assert.equal((await upAgain(test, 2)).subnet, wished);
    assert.equal((await keyNow(wished))?.lease, undefined);
  }).timeout(300_000);

  it('refuses what is another node’s, what is no subnet, and nodes nobody knows', async () => {
    const other = await subnetOf(1);
    const free = await untaken();
    for (const [argv, code, exit] of [
      [['reserve', other, '--node', 'n2'], 'SUBNET_TAKEN', 6],
      [['reserve', '10.99.0.0/24', '--node', 'n2'], 'SUBNET_UNFIT', 2],
      [['reserve', free, '--node', 'n9'], 'NODE_UNKNOWN', 3],
      [['reserve', free], 'MISSING_FLAGS', 2],
      [['release', other], 'NEEDS_CONFIRMATION', 2],
      [['release'], 'USAGE', 2],
    ] as const) {
      const ran = await tsflannel('leases', ...argv, '--json');
      assert.deepEqual([JSON.parse(ran.stdout).error.code, ran.exit], [code, exit], argv.join(' '));
    }
  }).timeout(300_000);

  it('gives back the dead, and only them', async () => {
    const subnet = await untaken();
    const dead = JSON.stringify({ PublicIP: '198.18.0.78', PublicIPv6: null, NodeID: 'dead'.repeat(8) });
    const lastsFor = async (seconds: number) => {
      const lease = (await etcdctl('lease', 'grant', String(seconds))).stdout.split(' ')[1] ?? '';
      await etcdctl('put', `--lease=${lease}`, keyOf(subnet), dead);
    };
    await lastsFor(3_600);
    assert.match((await tsflannel('leases', 'release', '--dead', '--yes')).stdout, /No change: no lease is dead/);
    // Half of it is waited for, the other half is there for the command.
    await lastsFor(30);
    await until('half of its time', async () => ((await leaseLeft(subnet)) ?? 0) <= 14);
    assert.equal((await tsflannel('leases', 'release', '--dead', '--yes')).stdout, `${subnet} is free`);
    assert.equal(await keyNow(subnet), undefined);
  }).timeout(300_000);
});
