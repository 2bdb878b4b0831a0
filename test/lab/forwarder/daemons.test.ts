/** Backend udp as it is typed: real daemons by command, restarted, killed, lied to, taken down. n3 is a stranger, or a peer gone bad. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { inodeOf } from '../../../src/lab/topology.ts';
import { CARRIER_TYPES, type CarrierType } from '../../../src/model/backend-config.ts';
import { DROP_REASONS, type DropReason, type ForwarderCounters } from '../../../src/model/carrier-report.ts';
import type { RouteRow } from '../../../src/model/report.ts';
import { type Child, startChild, startProgram } from '../../support/children.ts';
import { useLab } from '../../support/lab.ts';
import { addContainers, killDaemon, statusOf, upAgain } from '../../support/lab-daemon.ts';
import { address, type Fields, packet } from '../../support/packets.ts';
import { until } from '../../support/until.ts';

const FLOW_PORT = 9000;
const FORGED_PORT = 7777;
const CARRIER_PORT = 8285;
/** Twenty daemons are started in one test, and the machine may be a busy one. */
const MS = 600_000;
/** Why what comes in is dropped; what goes out may be dropped meanwhile, too. */
const INBOUND = DROP_REASONS.filter((reason) =>
  /^(not-ip4|truncated|bad-checksum|ttl)$|source|destination/.test(reason),
);

/** Packets that the processors dropped from their own queues, being too busy: no carrier can save them. */
const droppedByMachine = (): number =>
  readFileSync('/proc/net/softnet_stat', 'utf8')
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number.parseInt(line.split(' ')[1] ?? '0', 16), 0);

describe('backend udp by real daemons', () => {
  const test = useLab({ name: 'lab-carriers', backend: 'udp', size: 3 });
  const net: Child[] = [];
  let inner: string[] = [];
  const at = (number: number): string => inner[number - 1] ?? '';
  const outer = (number: number): string => test.node(number).ip;
  const helper = (number: number): Child => net[number - 1] as Child;

  /** Ends the daemon by this signal and starts it again. */
  async function restart(number: number, signal: NodeJS.Signals, ...args: string[]): Promise<void> {
    await killDaemon(test.node(number), signal);
    await upAgain(test, number, ...args);
  }
  async function carry(number: number, type: CarrierType): Promise<void> {
    await restart(number, 'SIGTERM', '--udp-carrier', type);
    const { checks } = await statusOf(test, number);
    assert.match(checks.find(({ name }) => name === 'carrier')?.detail ?? '', new RegExp(`^${type}:`));
  }
  /** Counts packets on the node from now on: the kernel does, so that no slow reader can seem to lose one. */
  async function count(number: number, hook: 'prerouting' | 'output', ...match: string[]): Promise<void> {
    const nft = (...words: string[]) => test.run(number, 'nft', ...words);
    await nft('add', 'table', 'ip', 'counting');
    await nft('add', 'chain', 'ip', 'counting', hook, `{ type filter hook ${hook} priority -400 ; }`);
    await nft('add', 'rule', 'ip', 'counting', hook, ...match, 'counter');
  }
  async function counted(number: number): Promise<number> {
    const { stdout } = await test.run(number, 'nft', 'list', 'table', 'ip', 'counting');
    return Number(/counter packets (\d+)/.exec(stdout)?.[1]);
  }
  const stopCounting = (number: number) => test.run(number, 'nft', 'delete', 'table', 'ip', 'counting');
  const pings = (from: number, to: number, times: number) =>
    test.run(from, 'ping', '-q', '-i', '0.05', '-c', String(times), '-w', '90', '-I', at(from), at(to));

  before(async function () {
    this.timeout(MS);
    inner = await addContainers(test, [1, 2, 3]);
    for (const number of [1, 2, 3]) {
      net.push(await startChild(test.node(number).namespace, 'net-node'));
      await net.at(-1)?.ask(`digest ${at(number)} 80`);
      if (number > 1) await until('the pods reach each other', () => pings(1, number, 1).then(() => true));
    }
  });
  after(async () => {
    for (const child of net) await child.kill('SIGKILL');
  });

  it('ebpf loses nothing of 20,000 packets/s over ten restarts and ten kill -9, five of each on either node', async () => {
    for (const number of [1, 2]) await carry(number, 'ebpf');
    await count(1, 'output', 'udp', 'dport', String(FLOW_PORT));
    await count(2, 'prerouting', 'udp', 'dport', String(FLOW_PORT));
    const dropped = droppedByMachine();
    const begun = performance.now();
    const flow = await startProgram(test.node(1).namespace, 'bench/probe/flow.ts', 'send', at(2), '20');
    await until('packets flow', async () => (await counted(2)) > 1000);
    for (const signal of ['SIGTERM', 'SIGKILL'] as const)
      for (let times = 0; times < 5; times++)
        await Promise.all([1, 2].map((number) => restart(number, signal, '--udp-carrier', 'ebpf')));
    await flow.ask('stop');
    const rate = Math.round((1000 * (await counted(1))) / (performance.now() - begun));
    await flow.kill('SIGKILL');
    // What is on its way arrives at once.
    await until('the last packet', async () => (await counted(2)) >= (await counted(1)), 5_000).catch(() => undefined);
    const [sent, arrived] = [await counted(1), await counted(2)];
    const overflowed = droppedByMachine() - dropped;
    console.log(`      ${sent} sent, ${rate} a second; ${sent - arrived} lost, ${overflowed} by queues of the machine`);
    assert.ok(sent > 20_000, `${sent} sent`);
    assert.ok(arrived <= sent && sent - arrived <= overflowed, `${sent - arrived} lost`);
    for (const number of [1, 2]) await stopCounting(number);
  }).timeout(MS);

  /** The other node as `routes --json` shows it. */
  async function rowOf(number: number, other: number): Promise<RouteRow | undefined> {
    const { stdout } = await test.run(number, 'tsflannel', 'routes', '--json');
    const { routes } = JSON.parse(stdout) as { routes: RouteRow[] };
    return routes.find(({ publicIp }) => publicIp === outer(other));
  }
  async function trafficWith(number: number, other: number) {
    const row = await rowOf(number, other);
    assert.ok(row?.traffic);
    return row.traffic;
  }

  for (const [one, other] of [
    ['tun', 'ebpf'],
    ['ebpf', 'tun'],
    ['tun', 'tun'],
  ] as const)
    it(`${one} and ${other} understand each other, and count alike for each peer`, async () => {
      await carry(1, one);
      await carry(2, other);
      await pings(1, 2, 1);
      const before = [await trafficWith(1, 2), await trafficWith(2, 1)] as const;
      await pings(1, 2, 20);
      assert.equal(await helper(1).ask(`transfer ${at(2)} 80 5000001`), true);
      const [here, there] = [await trafficWith(1, 2), await trafficWith(2, 1)];
      for (const moved of [here.sent.bytes - before[0].sent.bytes, there.received.bytes - before[1].received.bytes])
        assert.ok(moved > 5_000_000 && moved < 8_000_000, `${moved} bytes`);
      assert.ok(here.received.packets - before[0].received.packets >= 20);
      const { stdout } = await test.run(1, 'tsflannel', 'status');
      assert.match(stdout, /sent: [\d,]+ packets, [\d.]+ MB; received: [\d,]+ packets/);
    }).timeout(MS);

  const forged = (fields: Partial<Fields>): string => {
    const payload = [0x30, 0x39, FORGED_PORT >> 8, FORGED_PORT & 255, 0, 12, 0, 0, 1, 2, 3, 4];
    const sound = { source: address(at(2)), destination: address(at(1)), payload };
    return Buffer.from(packet({ ...sound, ...fields })).toString('hex');
  };
  const throwAt = (to: number, from: string, ...payloads: string[]) =>
    helper(3).ask(`send ${outer(to)} ${CARRIER_PORT} ${from} ${payloads.join(' ')}`);

  /** What the peer of this address may not send, by the reason for which it is dropped. */
  function lies(peer: string): Partial<Record<DropReason, string[]>> {
    const own = { source: address(peer) };
    const sound = forged(own);
    const from = (...sources: string[]) => sources.map((source) => forged({ source: address(source) }));
    const to = (...ends: string[]) => ends.map((end) => forged({ ...own, destination: address(end) }));
    return {
      'inner-source-foreign': from(at(2), at(1), '172.17.0.9', '8.8.8.8', '127.0.0.1', '0.0.0.0', outer(2)),
      'inner-destination-foreign': to(at(2), peer, '8.8.8.8', '127.0.0.1', '224.0.0.1', '255.255.255.255', outer(1)),
      truncated: [sound.slice(0, 30), sound.slice(0, -2), `44${sound.slice(2)}`],
      'not-ip4': [`6${sound.slice(1)}`, `ff${sound.slice(2)}`, '00'.repeat(9000)],
      'bad-checksum': [`${sound.slice(0, 20)}0000${sound.slice(24)}`],
      ttl: [forged({ ...own, ttl: 1 })],
    };
  }
  async function drops(): Promise<Readonly<Record<DropReason, number>>> {
    const { node } = await statusOf(test, 1);
    assert.ok(node?.counters);
    return (node.counters as ForwarderCounters).drops;
  }
  /** That these raise the counts of their reasons, and nothing else, and that nothing of them came in. */
  async function allDropped(wanted: Partial<Record<DropReason, number>>, send: () => Promise<unknown>): Promise<void> {
    const before = await drops();
    await send();
    const raised = async () => {
      const now = await drops();
      return INBOUND.map((reason) => [reason, now[reason] - before[reason]] as const);
    };
    const expected = INBOUND.map((reason) => [reason, wanted[reason] ?? 0] as const);
    const sum = (counts: typeof expected): number => counts.reduce((total, [, count]) => total + count, 0);
    await until('all are counted', async () => sum(await raised()) >= sum(expected));
    assert.deepEqual(await raised(), expected);
    assert.equal(await counted(1), 0, 'delivered');
  }

  for (const type of CARRIER_TYPES)
    it(`${type} lets in nothing that is forged, and counts it by its reason`, async () => {
      await carry(1, type);
      await count(1, 'prerouting', 'udp', 'dport', String(FORGED_PORT));
      await helper(2).ask(`send ${outer(1)} ${CARRIER_PORT} ${outer(2)} ${forged({})}`);
      await until('a sound packet of a peer is delivered', async () => (await counted(1)) === 1);
      await stopCounting(1);
      await count(1, 'prerouting', 'udp', 'dport', String(FORGED_PORT));

      // Each time n3 comes up again it may have another subnet.
      const peer = (await rowOf(1, 3))?.subnet.replace(/0\/24$/, '9') ?? '';
      await killDaemon(test.node(3));
      const all = lies(peer);
      const numbers = Object.fromEntries(Object.entries(all).map(([reason, list]) => [reason, list.length]));
      await allDropped(numbers, () => throwAt(1, outer(3), ...Object.values(all).flat()));

      // In the name of n2's address, which n3 has without saying so on the wire.
      await test.run(3, 'sysctl', '-q', '-w', 'net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2');
      await test.run(3, 'ip', 'address', 'add', `${outer(2)}/32`, 'dev', 'lo');
      const strange = [forged({ source: address(peer) }), forged({ source: address('172.17.0.9') })];
      await allDropped({ 'inner-source-foreign': 2 }, () => throwAt(1, outer(2), ...strange));
      await test.run(3, 'ip', 'address', 'delete', `${outer(2)}/32`, 'dev', 'lo');

      await test.run(3, 'tsflannel', 'down');
      const sent = Object.values(all).flat();
      await until('n1 has forgotten n3', async () => (await rowOf(1, 3)) === undefined);
      await until('its carrier too', async () =>
        (await test.run(1, 'tsflannel', 'plan')).stdout.startsWith('No change'),
      );
      await allDropped({ 'outer-source-unknown': sent.length }, () => throwAt(1, outer(3), ...sent));
      await stopCounting(1);
      await upAgain(test, 3);
      await until('n1 knows n3', async () => (await rowOf(1, 3)) !== undefined);
    }).timeout(MS);

  it('down leaves no program, pin or device', async () => {
    for (const number of [1, 2]) await carry(number, 'ebpf');
    for (const number of [1, 2]) {
      const pins = `/sys/fs/bpf/tsflannel/${inodeOf(test.node(number).namespace)}`;
      assert.equal(existsSync(pins), true, pins);
      assert.notEqual(await helper(number).ask('programs eth0'), 0);
      await test.run(number, 'tsflannel', 'down');
      assert.equal(existsSync(pins), false, pins);
      assert.equal(await helper(number).ask('programs eth0'), 0);
      const { stdout } = await test.run(number, 'ip', '-o', 'link');
      assert.doesNotMatch(stdout, /flannel0/);
      assert.doesNotMatch((await test.run(number, 'tc', 'qdisc', 'show')).stdout, /clsact/);
    }
  }).timeout(MS);
});
