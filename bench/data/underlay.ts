/** The underlay as a veth pair is, or as a wire would be; and proof of which of the two it was. */
import { execa } from 'execa';
import type { Ground } from '../../test/support/ground.ts';

export const UNDERLAYS = ['veth', 'wire'] as const;
export type Underlay = (typeof UNDERLAYS)[number];

/** What lets packets of more than one frame's length pass a veth pair. Checksums stay: a real network card does them too. */
const OFFLOADS = [
  ...['tso', 'gso', 'gro', 'tx-gso-list', 'tx-udp-segmentation'],
  ...['tx-udp_tnl-segmentation', 'tx-udp_tnl-csum-segmentation'],
];

const inside = (namespace: string, ...argv: string[]) => execa('nsenter', [`--net=/run/netns/${namespace}`, ...argv]);

/** Ports of the underlay's bridge: one a host. */
const portsOf = ({ hosts }: Ground): string[] => hosts.map((_, i) => `n${i + 1}`);

async function turnOff(namespace: string, device: string): Promise<void> {
  await inside(namespace, 'ethtool', '-K', device, ...OFFLOADS.flatMap((name) => [name, 'off']));
}

export interface Frames {
  readonly all: number;
  /** Longer than Ethernet's 1514 bytes. */
  readonly big: number;
}

const TABLE = ['netdev', 'frames'];

/** Makes the underlay what it is to be, and counts what enters its bridge from now on. */
export async function prepareUnderlay(ground: Ground, underlay: Underlay): Promise<() => Promise<Frames>> {
  const ports = portsOf(ground);
  if (underlay === 'wire') {
    for (const { namespace } of ground.hosts) await turnOff(namespace, 'eth0');
    for (const port of ports) await turnOff(ground.underlay, port);
  }
  const nft = (...words: string[]) => inside(ground.underlay, 'nft', ...words);
  await nft('add', 'table', ...TABLE);
  const hook = `{ type filter hook ingress devices = { ${ports.join(', ')} } priority 0 ; }`;
  await nft('add', 'chain', ...TABLE, 'ports', hook);
  // Without the 14 bytes of the Ethernet header, which lie before the packet at this hook.
  await nft('add', 'rule', ...TABLE, 'ports', 'meta', 'length', '>', '1500', 'counter');
  await nft('add', 'rule', ...TABLE, 'ports', 'counter');
  return async () => {
    const { stdout } = await nft('list', 'table', ...TABLE);
    const [big = 0, all = 0] = [...stdout.matchAll(/counter packets (\d+)/g)].map(([, count]) => Number(count));
    return { all, big };
  };
}
