import { type Ip, isSpecialIp4, type Prefix, parseIp, parseIp4, parseIp6, prefixOf, printIp } from './address.ts';
import { type Mac, parseMac, printMac } from './mac.ts';
import { accept, field, type Parsed, parseJsonObject, reject, shown, wholeNumber } from './parsed.ts';

/** What a node tells its peers so that they can reach it; tagged by backend. */
export type PeerData =
  | { readonly type: 'udp' }
  /** `vni` is absent in leases of flannel < 0.14. */
  | { readonly type: 'vxlan'; readonly vni?: number; readonly mac: Mac }
  | { readonly type: 'host-gw' }
  /** A backend this version does not speak: shown, never programmed. */
  | { readonly type: 'other'; readonly name: string };

/** The name of the backend that a node speaks. */
export const backendName = (peer: PeerData): string => (peer.type === 'other' ? peer.name : peer.type);

/** How hosts outside the network reach containers by way of a node: by its address in the network, or by their own. */
export const GATEWAY_MODES = ['masquerade', 'routed'] as const;
export type GatewayMode = (typeof GATEWAY_MODES)[number];

export const parseGatewayMode = (value: unknown): GatewayMode | undefined =>
  GATEWAY_MODES.find((mode) => mode === value);

/** Where a lease stands in etcd. `leaseId` "0" means a reservation (no TTL). Revisions and ids are decimal text: they exceed 2^53. */
export interface LeaseEtcd {
  readonly key: string;
  readonly leaseId: string;
  readonly created: string;
  readonly modified: string;
}

/** One node's claim on one subnet, as published under `<prefix>/subnets/`. */
export interface Lease {
  readonly subnet: Prefix;
  readonly subnet6?: Prefix;
  readonly publicIp: Ip;
  readonly publicIp6?: Ip;
  readonly peer: PeerData;
  /** Ours; absent in leases written by flanneld. */
  readonly nodeId?: string;
  readonly nodeName?: string;
  /** Fingerprint of the machine that wrote it. */
  readonly hostId?: string;
  /** The node lets hosts from outside in. */
  readonly gateway?: GatewayMode;
  readonly etcd: LeaseEtcd;
}

/** What a node wants to publish; the subnet is chosen by lease/. */
export interface Announcement {
  readonly publicIp: Ip;
  readonly peer: PeerData;
  readonly nodeId: string;
  readonly nodeName: string;
  readonly hostId?: string;
  readonly gateway?: GatewayMode | undefined;
}

/** No leading zeros: one subnet has one key. */
const KEY = /^(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})-([1-9]\d?)(?:&([0-9a-fA-F:]{2,39})-([1-9]\d{0,2}))?$/;

const alignedPrefix = (ip: Ip | undefined, length: number, max: number): Prefix | undefined => {
  if (!ip || length < 1 || length > max) return undefined;
  const prefix = prefixOf(ip, length);
  return prefix.address === ip.value ? prefix : undefined;
};

/** Parses the last part of a lease key, `10.5.1.0-24` or `10.5.1.0-24&fc00::-64` (IPv4 <= /31, IPv6 <= /127, as flannel). */
export function parseSubnetKey(name: string): { subnet: Prefix; subnet6?: Prefix } | undefined {
  const match = KEY.exec(name);
  if (!match) return undefined;
  const subnet = alignedPrefix(parseIp4(match[1] ?? ''), Number(match[2]), 31);
  if (!subnet) return undefined;
  if (match[3] === undefined) return { subnet };
  const subnet6 = alignedPrefix(parseIp6(match[3]), Number(match[4]), 127);
  return subnet6 ? { subnet, subnet6 } : undefined;
}

/** The last part of the key of a lease. */
export function printSubnetKey(subnet: Prefix, subnet6?: Prefix): string {
  const v4 = `${printIp({ family: 4, value: subnet.address })}-${subnet.length}`;
  return subnet6 ? `${v4}&${printIp({ family: 6, value: subnet6.address })}-${subnet6.length}` : v4;
}

type Json = Readonly<Record<string, unknown>>;

function parseVxlanData(data: unknown, where: string): Parsed<PeerData> {
  if (typeof data !== 'object' || data === null) return reject('BACKEND_DATA', where, 'vxlan without BackendData');
  const text = field(data as Json, 'VtepMAC');
  const mac = typeof text === 'string' ? parseMac(text) : undefined;
  if (!mac) return reject('VTEP_MAC', where, `${shown(text)} is not a unicast MAC address`);
  const given = field(data as Json, 'VNI');
  if (given === undefined) return accept({ type: 'vxlan', mac });
  const vni = wholeNumber(given, 0, 0xffffff);
  return vni === undefined ? reject('VNI', where, `${shown(given)} is not a VNI`) : accept({ type: 'vxlan', vni, mac });
}

function parsePeer(json: Json, where: string): Parsed<PeerData> {
  const type = field(json, 'BackendType') ?? '';
  if (typeof type !== 'string') return reject('BACKEND_TYPE', where, 'BackendType is not text');
  if (type === '' || type === 'udp') return accept({ type: 'udp' });
  if (type === 'host-gw') return accept({ type: 'host-gw' });
  if (type === 'vxlan') return parseVxlanData(field(json, 'BackendData'), where);
  return /^[a-z0-9-]{1,32}$/.test(type) ? accept({ type: 'other', name: type }) : reject('BACKEND_TYPE', where, type);
}

const nameOf = (json: Json, key: string, pattern: RegExp): string | undefined => {
  const value = field(json, key);
  return typeof value === 'string' && pattern.test(value) ? value : undefined;
};

/** Node ids and names that are allowed on a terminal, in a file and in a lease. */
export const NODE_ID = /^[0-9a-f]{16,64}$/;
export const NODE_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62})$/;

/** A machine's fingerprint. */
const HOST_ID = /^[0-9a-f]{16}$/;

/** A lease has some ten values in some hundred bytes; thousands of larger ones must not keep a node busy. */
const MAX_BYTES = 16_384;
const MAX_ITEMS = 256;

/** Parses one key and value under `<prefix>/subnets/`. */
export function parseLease(value: string, etcd: LeaseEtcd): Parsed<Lease> {
  const name = etcd.key.slice(etcd.key.lastIndexOf('/') + 1);
  const subnets = parseSubnetKey(name);
  if (!subnets) return reject('SUBNET_KEY', etcd.key, 'the key is not a subnet');
  const json = parseJsonObject(value, etcd.key, MAX_BYTES, MAX_ITEMS);
  if (!json.ok) return json;
  const text = field(json.value, 'PublicIP');
  const publicIp = typeof text === 'string' ? parseIp4(text) : undefined;
  if (!publicIp || isSpecialIp4(publicIp))
    return reject('PUBLIC_IP', etcd.key, `${shown(text)} is no node's IPv4 address`);
  const peer = parsePeer(json.value, etcd.key);
  if (!peer.ok) return peer;
  const text6 = field(json.value, 'PublicIPv6');
  const publicIp6 = typeof text6 === 'string' ? parseIp(text6) : undefined;
  const nodeId = nameOf(json.value, 'NodeID', NODE_ID);
  const nodeName = nameOf(json.value, 'NodeName', NODE_NAME);
  const hostId = nameOf(json.value, 'HostID', HOST_ID);
  const gateway = parseGatewayMode(field(json.value, 'Gateway'));
  return accept({
    ...subnets,
    publicIp,
    peer: peer.value,
    etcd,
    ...(publicIp6?.family === 6 && { publicIp6 }),
    ...(nodeId !== undefined && { nodeId }),
    ...(nodeName !== undefined && { nodeName }),
    ...(hostId !== undefined && { hostId }),
    ...(gateway !== undefined && { gateway }),
  });
}

function peerFields(peer: PeerData): Record<string, unknown> {
  if (peer.type === 'vxlan')
    return { BackendType: 'vxlan', BackendData: { VNI: peer.vni ?? 1, VtepMAC: printMac(peer.mac) } };
  return peer.type === 'host-gw' ? { BackendType: 'host-gw' } : {};
}

/**
 * The value of our own lease: flannel's fields in flannel's order, then NodeID, NodeName, HostID and Gateway, which flanneld ignores.
 * `former` is what the key held before (a lease of our own, or one flanneld left here): fields nobody here knows are kept.
 */
export function printLease(own: Announcement, former?: string): string {
  const parsed = former === undefined ? undefined : parseJsonObject(former, 'former', MAX_BYTES, MAX_ITEMS);
  const ours = new Set([
    'publicip',
    'publicipv6',
    'backendtype',
    'backenddata',
    'backendv6data',
    'nodeid',
    'nodename',
    'hostid',
    'gateway',
  ]);
  const kept = parsed?.ok ? Object.entries(parsed.value).filter(([key]) => !ours.has(key.toLowerCase())) : [];
  return JSON.stringify({
    PublicIP: printIp(own.publicIp),
    PublicIPv6: null,
    ...peerFields(own.peer),
    NodeID: own.nodeId,
    NodeName: own.nodeName,
    ...(own.hostId !== undefined && { HostID: own.hostId }),
    ...(own.gateway !== undefined && { Gateway: own.gateway }),
    ...Object.fromEntries(kept),
  });
}

/** The node id in a lease's value, whatever else it says. */
export function nodeIdIn(value: string): string | undefined {
  const json = parseJsonObject(value, 'lease');
  return json.ok ? nameOf(json.value, 'NodeID', NODE_ID) : undefined;
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The order of age, oldest first; revisions are decimal text without leading zeros. In one transaction the key decides. */
export const compareAge = ({ etcd: a }: Lease, { etcd: b }: Lease): number =>
  a.created.length - b.created.length || compareText(a.created, b.created) || compareText(a.key, b.key);
