import type { Host } from '../../src/backend/backend.ts';
import type { Scene } from '../../src/backend/desired.ts';
import type { KernelObject } from '../../src/kernel/state.ts';
import { ip, networkOf, nodeId, prefix } from './values.ts';

/** Where node `number` is: 10.200.0.number, and on from there. */
export const addressOf = (number: number): string => `10.200.${number >> 8}.${number & 255}`;

/** Node `number` on its address/24, eth0. */
export const hostOf = (number: number, parts: Partial<Host> = {}): Host => ({
  nodeId: nodeId(number),
  iface: { name: 'eth0', mtu: 1500, ip: ip(addressOf(number)), onLink: [prefix('10.200.0.0/24')] },
  publicIp: ip(addressOf(number)),
  filter: { variant: 'iptables-nft', dockerUser: false },
  ipMasq: false,
  subnetFile: '/run/flannel/subnet.env',
  wideRouteTaken: false,
  routePerPeer: false,
  ...parts,
});

/** The scene of node 1, which leases 10.5.1.0/24 of 10.5.0.0/16. */
export const sceneOf = (config: Record<string, unknown> = {}, host: Partial<Host> = {}): Scene => ({
  self: { subnet: prefix('10.5.1.0/24') },
  host: hostOf(1, host),
  network: networkOf(config),
});

/** What a host has before anybody does anything: eth0 with its address; the kernel adds the route. */
export const underlay = (number: number): readonly KernelObject[] => [
  {
    kind: 'link',
    name: 'eth0',
    alias: undefined,
    mtu: 1500,
    up: true,
    link: { type: 'other', detail: 'veth' },
  },
  { kind: 'address', device: 'eth0', ip: ip(addressOf(number)), length: 24 },
];

/** docker0 on this prefix, as dockerd leaves it. */
export const docker0 = (text: string): readonly KernelObject[] => [
  {
    kind: 'link',
    name: 'docker0',
    alias: undefined,
    mtu: 1500,
    up: true,
    link: { type: 'other', detail: 'bridge' },
  },
  { kind: 'address', device: 'docker0', ip: ip(text.replace(/0\/\d+$/, '1')), length: Number(text.split('/')[1]) },
];
