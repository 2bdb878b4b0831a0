import { parseIp4 } from '../../model/address.ts';
import { UNDERLAY } from '../lab.ts';
import type { Fault } from './chaos.ts';
import { VICTIM, waysOn } from './parts.ts';
import type { Stage } from './stage.ts';

/** Rows about the network below: cables, interfaces, addresses, partitions. */

const SHORT_MS = 1_000;
const LONG_MS = 30_000;
/** What may be lost after the cable is back: the kernel asks once a second where a neighbour is. */
const AFTER_MS = 1_100;
const PORT = `n${VICTIM}`;
const DEVICE = 'eth0';

const cable = ({ onUnderlay }: Stage, how: 'up' | 'down') => onUnderlay('ip', 'link', 'set', PORT, how);
const defaultRoute = ({ run }: Stage) => run(VICTIM, 'ip', 'route', 'replace', 'default', 'via', UNDERLAY.gateway);

const carrierLost = (name: string, ms: number): Fault => ({
  row: 13,
  name,
  about: `the cable is pulled for ${ms / 1000} s`,
  budget: () => ({ gapMs: ms + AFTER_MS, healMs: 1_000 }),
  hits: [VICTIM],
  async run(stage) {
    await cable(stage, 'down');
    await stage.pause(ms);
    await cable(stage, 'up');
  },
});

const flapping: Fault = {
  row: 13,
  name: 'carrier-flaps',
  about: 'the cable is pulled five times a second for 30 s (short: 3 s)',
  // The kernel asks for a neighbour once a second, which may be when the cable is out each time.
  budget: () => ({ gapMs: Number.POSITIVE_INFINITY, healMs: 1_500 }),
  hits: [VICTIM],
  async run(stage) {
    for (let i = 0; i < (stage.short ? 15 : 150); i++) {
      await cable(stage, 'down');
      await stage.pause(100);
      await cable(stage, 'up');
      await stage.pause(100);
    }
  },
};

const interfaceDown: Fault = {
  row: 13,
  name: 'interface-down',
  about: 'the underlay interface is set down for 1 s: the kernel forgets every route over it',
  budget: () => ({ gapMs: SHORT_MS + 1_000, healMs: 1_000 }),
  hits: [VICTIM],
  async run(stage) {
    await stage.run(VICTIM, 'ip', 'link', 'set', DEVICE, 'down');
    await stage.pause(SHORT_MS);
    await stage.run(VICTIM, 'ip', 'link', 'set', DEVICE, 'up');
    await defaultRoute(stage);
  },
};

const recreated: Fault = {
  row: 14,
  name: 'interface-recreated',
  about: 'the underlay interface is deleted, and made anew 1 s later: same MAC and address, another index',
  budget: () => ({ gapMs: SHORT_MS + 2_000, healMs: 2_000 }),
  hits: [VICTIM],
  async run(stage) {
    const { createVeth } = await import('../../host/namespaces.ts');
    const node = stage.node(VICTIM);
    const ip = parseIp4(node.ip);
    if (!ip) return;
    const [link] = JSON.parse(await stage.run(VICTIM, 'ip', '-j', 'link', 'show', DEVICE)) as { address: string }[];
    await stage.run(VICTIM, 'ip', 'link', 'del', DEVICE);
    await stage.pause(SHORT_MS);
    await createVeth({
      ...{ name: PORT, bridge: 'underlay', namespace: stage.lab.underlay, mtu: UNDERLAY.mtu },
      ...{ peer: DEVICE, peerNamespace: node.namespace, ip: { ip, length: UNDERLAY.length } },
    });
    await stage.run(VICTIM, 'ip', 'link', 'set', DEVICE, 'address', link?.address ?? '');
    await defaultRoute(stage);
  },
};

const OTHER = '198.18.0.104';

async function move(stage: Stage, from: string, to: string): Promise<void> {
  await stage.run(VICTIM, 'ip', 'addr', 'del', `${from}/${UNDERLAY.length}`, 'dev', DEVICE);
  await stage.run(VICTIM, 'ip', 'addr', 'add', `${to}/${UNDERLAY.length}`, 'dev', DEVICE);
  await defaultRoute(stage);
}

/** All its peers lead packets for the victim there. */
async function isKnownAt(stage: Stage, ip: string): Promise<boolean> {
  const peers = stage.lab.nodes.map((_, i) => i + 1).filter((number) => number !== VICTIM);
  const ways = await Promise.all(peers.map((number) => waysOn(stage, number)));
  return ways.every((list) => list.some(({ publicIp }) => publicIp === ip));
}

const readdressed: Fault = {
  row: 15,
  name: 'address-changed',
  about: 'the underlay address changes; the subnet stays, and all peers follow',
  budget: () => ({ gapMs: 2_000, healMs: 2_000 }),
  hits: [VICTIM],
  run: (stage) => move(stage, stage.node(VICTIM).ip, OTHER),
  healed: (stage) => isKnownAt(stage, OTHER),
  async undo(stage) {
    const { ip } = stage.node(VICTIM);
    await move(stage, OTHER, ip);
    await stage.until('the first address everywhere', () => isKnownAt(stage, ip));
  },
};

const FILTER = 'chaos';

/** Between two nodes only what is etcd's passes. */
async function part({ onUnderlay }: Stage, ways: readonly (readonly [string, string])[]): Promise<void> {
  const nft = (...argv: string[]) => onUnderlay('nft', ...argv);
  await nft('add', 'table', 'bridge', FILTER);
  await nft('add', 'chain', 'bridge', FILTER, 'part', '{ type filter hook forward priority 0 ; }');
  for (const [from, to] of ways) {
    const rule = (...match: string[]) =>
      nft('add', 'rule', 'bridge', FILTER, 'part', 'iifname', from, 'oifname', to, ...match);
    await rule('tcp', 'dport', '{ 2379, 2380 }', 'accept');
    await rule('tcp', 'sport', '{ 2379, 2380 }', 'accept');
    await rule('ether', 'type', 'ip', 'drop');
  }
}

const partition = (name: string, about: string, ways: readonly (readonly [string, string])[]): Fault => ({
  row: 26,
  name,
  about,
  budget: () => ({ gapMs: 6_000, healMs: 5_000 }),
  hits: [3, VICTIM],
  async run(stage) {
    await part(stage, ways);
    await stage.pause(5_000);
    await stage.onUnderlay('nft', 'delete', 'table', 'bridge', FILTER);
  },
});

const THERE = ['n3', PORT] as const;
const BACK = [PORT, 'n3'] as const;

/** While etcd is hard to reach, a node joins; then so it stays for a while: the leases are kept. */
async function liveOn(stage: Stage): Promise<void> {
  const { kill, start, pause, note, outage } = stage;
  await kill(VICTIM);
  const begun = performance.now();
  await start(VICTIM);
  note(`joined in ${Math.round(performance.now() - begun)} ms`);
  await pause(outage({ short: 10_000, usual: 60_000 }));
}

const hardControl = (name: string, about: string, run: (stage: Stage) => Promise<void>): Fault => ({
  row: 27,
  name,
  about: `${about} for 60 s (short: 10 s, long: 10 minutes), while a node joins`,
  budget: (backend) => ({ gapMs: backend === 'udp' ? 30_000 : 0, healMs: 30_000 }),
  hits: [VICTIM],
  run,
});

/** Drops what matches of etcd's packets on all wires, while a node joins. A queue (tc) would lose packets of others when it is put in. */
async function dropControl(stage: Stage, ...matches: readonly (readonly string[])[]): Promise<void> {
  const nft = (...argv: string[]) => stage.onUnderlay('nft', ...argv);
  await nft('add', 'table', 'bridge', FILTER);
  await nft('add', 'chain', 'bridge', FILTER, 'control', '{ type filter hook forward priority 0 ; }');
  for (const match of matches)
    for (const end of ['dport', 'sport'])
      await nft('add', 'rule', 'bridge', FILTER, 'control', 'tcp', end, '{ 2379, 2380 }', ...match, 'drop');
  await liveOn(stage);
  await nft('delete', 'table', 'bridge', FILTER);
}

const lossy = hardControl('lossy-control', 'every tenth packet of etcd and its clients is lost', (stage) =>
  dropControl(stage, ['numgen', 'random', 'mod', '10', '<', '1']),
);

/** 1 Mbit/s, and as much at once as a list of leases has. */
const MORE = 'limit rate over 125 kbytes/second burst 32 kbytes'.split(' ');

const narrow = hardControl('narrow-control', 'etcd and its clients have 1 Mbit/s to each node, each way', (stage) =>
  dropControl(stage, ...stage.lab.nodes.map(({ name }) => ['oifname', name, ...MORE])),
);

export const UNDERLAY_FAULTS: readonly Fault[] = [
  ...[
    carrierLost('carrier-lost', SHORT_MS),
    carrierLost('carrier-lost-long', LONG_MS),
    flapping,
    interfaceDown,
    recreated,
    readdressed,
  ],
  partition('peers-parted', 'two nodes cannot reach each other for 5 s', [THERE, BACK]),
  partition('peers-parted-one-way', 'packets of one node do not reach another for 5 s', [THERE]),
  ...[lossy, narrow],
];
