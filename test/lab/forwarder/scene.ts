/** Nodes a, b and c on one underlay (10.200.0.1 to .3): a and b run a carrier, c is the stranger, or a peer gone bad. */
import assert from 'node:assert/strict';
import { execa } from 'execa';
import type { Offloads } from '../../../src/forwarder/job.ts';
import {
  addNamespace,
  createBridge,
  createVeth,
  deleteNamespace,
  nsenterArgs,
} from '../../../src/kernel/linux/netns.ts';
import { removePins } from '../../../src/lab/down.ts';
import { inodeOf } from '../../../src/lab/topology.ts';
import { parseIp4 } from '../../../src/model/address.ts';
import type { CarrierType } from '../../../src/model/backend-config.ts';
import type { DropReason, ForwarderCounters } from '../../../src/model/carrier-report.ts';
import { type Child, startChild } from '../../support/children.ts';
import type { NodeSpec } from '../../support/forwarder-node.ts';
import { difference, type Snapshot, snapshot } from '../../support/leaks.ts';
import { until } from '../../support/until.ts';

const NODES = { a: 1, b: 2, c: 3 } as const;
export type Name = keyof typeof NODES;
export const PORT = 8285;
export const DEVICE = 'flannel0';
/** Unlike those of another run on the same machine. */
const OWN = `fwd-${process.pid}`;
export const space = (name: Name | 'wire'): string => `${OWN}-${name}`;
/** The node's address on the underlay, and that of its device. */
export const outer = (name: Name): string => `10.200.0.${NODES[name]}`;
export const device = (name: Name): string => `172.20.${NODES[name]}.0`;

export const specOf = (
  name: Name,
  peers: readonly Name[],
  without: readonly (keyof Offloads)[] = [],
  type: CarrierType = 'tun',
): NodeSpec => ({
  device: DEVICE,
  local: outer(name),
  port: PORT,
  mtu: 1472,
  network: '172.20.0.0/16',
  subnet: `${device(name)}/24`,
  forwards: peers.map((peer) => [`${device(peer)}/24`, outer(peer)] as const),
  without,
  type,
});

/** Runs a program in the node's namespace; its output, whatever its exit status. */
export async function inside(name: Name, program: string, ...args: string[]): Promise<string> {
  const [nsenter, ...rest] = nsenterArgs(space(name));
  const { stdout, stderr } = await execa(nsenter!, [...rest, '--', program, ...args], { reject: false });
  return `${stdout}${stderr}`;
}

/**
 * One request, and its answer as soon as it is there: on a busy machine that takes a while. A device whose carrier came a moment ago drops
 * what is sent until a worker of the kernel has seen it: then there is another request, in three seconds.
 */
export const ping = (from: Name, to: string, ...more: string[]): Promise<string> =>
  inside(from, 'ping', '-n', '-c', '1', '-i', '3', '-w', '20', ...more, to);
/** That one request has no answer within a second. */
export const unanswered = async (from: Name, to: string): Promise<boolean> =>
  !answered(await ping(from, to, '-w', '1'));
export const answered = (output: string): boolean => / 1 received/.test(output);

/** The persistent device as the daemon's kernel part makes it. */
export async function makeDevice(name: Name): Promise<void> {
  await inside(name, 'ip', 'tuntap', 'add', DEVICE, 'mode', 'tun');
  await inside(name, 'ip', 'link', 'set', DEVICE, 'mtu', '1472', 'up');
  await inside(name, 'ip', 'address', 'add', `${device(name)}/32`, 'dev', DEVICE);
  await inside(name, 'ip', 'route', 'add', '172.20.0.0/16', 'dev', DEVICE);
}

async function makeNode(name: Name): Promise<void> {
  await addNamespace(space(name));
  await createVeth({
    name: `eth-${name}`,
    bridge: 'wire',
    namespace: space('wire'),
    peer: 'eth0',
    peerNamespace: space(name),
    ip: { ip: parseIp4(outer(name))!, length: 24 },
    mtu: 1500,
  });
  // The kernel's own IPv6 packets on the device would be counted as drops now and then, beside those of the tests.
  await inside(name, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.disable_ipv6=1');
}

/** Packets the node's kernel took from flannel0. */
export async function delivered(name: Name): Promise<number> {
  const line = (await inside(name, 'cat', '/proc/net/dev')).split('\n').find((one) => one.includes(`${DEVICE}:`));
  return Number(line?.split(':')[1]?.trim().split(/\s+/)[1]);
}

/** Through an underlay route of MTU 1300 (`mtu`: its words for ip): who may not be fragmented is told what fits, all else arrives. */
export async function fitsThrough({ hasDropped }: Scene, ...mtu: string[]): Promise<void> {
  await inside('a', 'ip', 'route', 'add', `${outer('b')}/32`, 'dev', 'eth0', ...mtu);
  assert.match(await ping('a', device('b'), '-M', 'do', '-s', '1400'), /Frag needed and DF set \(mtu = 1272\)/);
  await inside('a', 'ip', 'route', 'flush', 'cache');
  assert.ok(answered(await ping('a', device('b'), '-M', 'dont', '-s', '1400')));
  assert.ok(answered(await ping('a', device('b'), '-M', 'do', '-s', '1200')));
  await hasDropped('a', 'too-big', 1);
  await inside('a', 'ip', 'route', 'delete', `${outer('b')}/32`);
}

/** What is ours on a machine that others use too. */
async function ours(): Promise<Snapshot> {
  const { namespaces, processes, mounts } = await snapshot({ mine: new RegExp(`\\b${OWN}-`) });
  return { namespaces: namespaces!, processes: processes!, mounts: mounts! };
}

export interface Scene {
  readonly forwarders: Record<Name, Child>;
  readonly net: Record<Name, Child>;
  counters(name: Name): Promise<ForwarderCounters>;
  drops(name: Name, reason: DropReason): Promise<number>;
  /** That the node has dropped so many for this reason since it runs, no more: they are counted a moment after others see it. */
  hasDropped(name: Name, reason: DropReason, count: number): Promise<void>;
  /** Sets the node's table. */
  forwards(name: Name, ...peers: Name[]): Promise<unknown>;
  startForwarder(spec: NodeSpec): Promise<void>;
}

/** What lets a veth pair pass more than a wire does: turned off, each packet is one frame, finished. */
const WIRE_LIKE = ['tx', 'tso', 'gso', 'tx-gso-list', 'tx-udp-segmentation', 'tx-udp_tnl-segmentation'];

/** Makes the node's underlay like a wire. */
export async function likeWire(name: Name): Promise<void> {
  await inside(name, 'ethtool', '-K', 'eth0', ...WIRE_LIKE.flatMap((offload) => [offload, 'off']));
}

/** Numbers of the nodes' namespaces, under which programs are pinned. */
const numbers = (): ReadonlySet<number> =>
  new Set((Object.keys(NODES) as Name[]).flatMap((name) => inodeOf(space(name)) ?? []));

/** Sets the scene up before the tests of the suite that calls it, and takes it down after them, to the last process. */
export function scene(start: (scene: Scene) => Promise<void>): Scene {
  const forwarders = {} as Record<Name, Child>;
  const net = {} as Record<Name, Child>;
  let former: Snapshot;
  const counters = async (name: Name) => (await forwarders[name].ask('counters')) as ForwarderCounters;
  const drops = async (name: Name, reason: DropReason) => (await counters(name)).drops[reason];
  const one: Scene = {
    forwarders,
    net,
    counters,
    drops,
    async hasDropped(name, reason, count) {
      await until(`${reason} on ${name}`, async () => (await drops(name, reason)) >= count);
      assert.equal(await drops(name, reason), count, reason);
    },
    forwards: (name, ...peers) => forwarders[name].ask(`forwards ${JSON.stringify(specOf(name, peers))}`),
    async startForwarder(spec) {
      const name = (Object.keys(NODES) as Name[]).find((each) => outer(each) === spec.local)!;
      forwarders[name] = await startChild(space(name), 'forwarder-node', JSON.stringify(spec));
    },
  };
  before(async () => {
    former = await ours();
    await addNamespace(space('wire'));
    await createBridge('wire', undefined, space('wire'));
    for (const name of ['a', 'b', 'c'] as const) {
      await makeNode(name);
      net[name] = await startChild(space(name), 'net-node');
    }
    for (const name of ['a', 'b'] as const) await makeDevice(name);
    await start(one);
  });
  after(async () => {
    for (const child of [...Object.values(net), ...Object.values(forwarders)]) await child.kill('SIGKILL');
    // First: the number of a namespace that is gone may be another lab's at once.
    await removePins(numbers());
    for (const name of ['a', 'b', 'c', 'wire'] as const) await deleteNamespace(space(name));
    await until('nothing is left', async () => difference(former, await ours()) === '');
  });
  return one;
}
