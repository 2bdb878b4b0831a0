/** The cable between two hosts, as a veth pair is, or as a wire would be; and proof of which of the two it was. */
import { execa } from 'execa';
import { type Child, startProgram } from '../../test/support/children.ts';
import type { Ground, Host } from '../../test/support/ground.ts';

export const UNDERLAYS = ['veth', 'wire'] as const;
export type Underlay = (typeof UNDERLAYS)[number];

/** The device at either end. */
export const CABLE = 'cable0';

/** What lets packets of more than one frame's length pass a veth pair. Checksums stay: a real network card does them too. */
const OFFLOADS = [
  ...['tso', 'gso', 'gro', 'tx-gso-list', 'tx-udp-segmentation'],
  ...['tx-udp_tnl-segmentation', 'tx-udp_tnl-csum-segmentation'],
];

export interface Frames {
  readonly all: number;
  /** Longer than Ethernet's 1514 bytes. */
  readonly big: number;
}

/** What the hosts are connected by. */
export interface Cable {
  /** The host's address on it. */
  addressOf(host: Host): string;
  /** What has come in at both ends since it was laid. */
  frames(): Promise<Frames>;
  end(): Promise<void>;
}

const inside = (host: Host, ...argv: string[]) => execa('nsenter', [`--net=/run/netns/${host.namespace}`, ...argv]);

async function plug(host: Host, address: string, underlay: Underlay): Promise<void> {
  await inside(host, 'ip', 'address', 'add', `${address}/24`, 'dev', CABLE);
  if (underlay === 'wire')
    await inside(host, 'ethtool', '-K', CABLE, ...OFFLOADS.flatMap((offload) => [offload, 'off']));
  await inside(host, 'ip', 'link', 'set', CABLE, 'up');
}

/**
 * Lays a cable between the ground's two hosts, beside the bridge by which they reach etcd: a switch in software would take more time for
 * each frame than the way that is measured.
 */
export async function layCable({ hosts }: Ground, underlay: Underlay): Promise<Cable> {
  const [one, other] = hosts as [Host, Host];
  const peer = ['peer', 'name', CABLE, 'netns', other.namespace];
  await inside(one, 'ip', 'link', 'add', CABLE, 'type', 'veth', ...peer);
  const addressOf = (host: Host): string => `198.19.0.${hosts.indexOf(host) + 1}`;
  for (const host of hosts) await plug(host, addressOf(host), underlay);
  const counters: Child[] = [];
  for (const host of hosts) counters.push(await startProgram(host.namespace, 'bench/probe/frames.ts', CABLE));
  return {
    addressOf,
    async frames() {
      const each = await Promise.all(counters.map(async (counter) => (await counter.ask('')) as Frames));
      return each.reduce((sum, { all, big }) => ({ all: sum.all + all, big: sum.big + big }));
    },
    async end() {
      for (const counter of counters) await counter.kill('SIGKILL');
    },
  };
}
