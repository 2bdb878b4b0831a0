import { fold } from '../model/checksum.ts';
import * as ip from './packet.ts';
import * as tp from './transport.ts';
import { CHECKSUM_VALID, GSO_NONE, GSO_TCP4, GSO_UDP, NEEDS_CHECKSUM, type Vnet } from './vnet.ts';

/**
 * Packets of one flow that came one after the other, to be given to the device as one super-packet: the first as it lies, then the
 * others' payloads. The rules are those of the kernel's own GRO (tcp_gro_receive, udp_gro_receive): what would not come out of cutting
 * the super-packet again is not joined.
 */
export interface Group {
  isTcp: boolean;
  /** Where the first packet lies, and the length of its headers. */
  at: number;
  headers: number;
  /** Payload bytes of all packets but the last, which may have fewer. */
  size: number;
  count: number;
  /** Length of headers and all payloads as one packet. */
  total: number;
  /** TCP sequence number that follows. */
  next: number;
  /** Flags that the last packet added (PSH). */
  flags: number;
  /** Nothing can follow. */
  closed: boolean;
}

export const createGroup = (): Group => ({
  isTcp: false,
  at: 0,
  headers: 0,
  size: 0,
  count: 0,
  total: 0,
  next: 0,
  flags: 0,
  closed: true,
});

const IP_HEADER = 20;
const MAX_TOTAL = 65_535;
/** What the kernel cuts a UDP super-packet into at most (UDP_MAX_SEGMENTS, until Linux 6.9). */
const MAX_COUNT = 64;
const MORE_OR_OFFSET = 0x3fff;
const DONT_FRAGMENT = 0x4000;

function tcpHeaders({ view, at, length }: ip.Span): number {
  const transport = at + IP_HEADER;
  const headers = IP_HEADER + tp.tcpHeaderLength(view, transport);
  const flags = view.getUint16(transport + tp.TCP_FLAGS) & 0xfff & ~tp.PSH;
  return flags === tp.ACK && headers >= IP_HEADER + 20 && headers < length ? headers : 0;
}

/** Length of both headers of a (sound) packet that may be in a group: plain data, no IP options, no fragment. 0: it may not. */
export function joinableHeaders(span: ip.Span): number {
  const { view, at, length } = span;
  if (view.getUint8(at) !== 0x45 || (view.getUint16(at + ip.FRAGMENT) & MORE_OR_OFFSET) !== 0) return 0;
  const protocol = view.getUint8(at + ip.PROTOCOL);
  if (protocol === ip.PROTOCOL_TCP) return length > IP_HEADER + 20 ? tcpHeaders(span) : 0;
  if (protocol !== ip.PROTOCOL_UDP || length <= IP_HEADER + 8) return 0;
  return view.getUint16(at + IP_HEADER + tp.UDP_LENGTH) === length - IP_HEADER ? IP_HEADER + 8 : 0;
}

/** Begins a group with a packet that has these joinableHeaders and a right checksum. */
export function beginGroup(group: Group, { view, at, length }: ip.Span, headers: number): void {
  const transport = at + IP_HEADER;
  group.isTcp = view.getUint8(at + ip.PROTOCOL) === ip.PROTOCOL_TCP;
  group.at = at;
  group.headers = headers;
  group.size = length - headers;
  group.count = 1;
  group.total = length;
  group.flags = group.isTcp ? view.getUint16(transport + tp.TCP_FLAGS) & tp.PSH : 0;
  group.next = group.isTcp ? (view.getUint32(transport + tp.TCP_SEQUENCE) + group.size) >>> 0 : 0;
  group.closed = group.flags !== 0;
}

/** Whether two packets' IP headers differ in nothing but length, identification (in order, where it matters) and checksum. */
function sameIp(view: DataView, group: Group, at: number): boolean {
  const first = group.at;
  const fragment = view.getUint16(at + ip.FRAGMENT);
  const order = view.getUint16(first + ip.IDENTIFICATION) + group.count - view.getUint16(at + ip.IDENTIFICATION);
  return (
    view.getUint16(at) === view.getUint16(first) &&
    view.getUint16(at + ip.TTL) === view.getUint16(first + ip.TTL) &&
    view.getUint32(at + ip.SOURCE) === view.getUint32(first + ip.SOURCE) &&
    view.getUint32(at + ip.DESTINATION) === view.getUint32(first + ip.DESTINATION) &&
    fragment === view.getUint16(first + ip.FRAGMENT) &&
    // An identification means something only to a packet that may be fragmented (RFC 6864).
    ((fragment & DONT_FRAGMENT) !== 0 || (order & 0xffff) === 0)
  );
}

/** Whether the TCP headers differ in nothing but sequence number (which must follow), PSH and checksum. */
function sameTcp(view: DataView, group: Group, at: number): boolean {
  const first = group.at + IP_HEADER;
  const other = at + IP_HEADER;
  if (view.getUint32(other + tp.TCP_SEQUENCE) !== group.next) return false;
  if (view.getUint32(other + tp.TCP_ACK) !== view.getUint32(first + tp.TCP_ACK)) return false;
  const flags = view.getUint16(other + tp.TCP_FLAGS) ^ view.getUint16(first + tp.TCP_FLAGS);
  if ((flags & ~tp.PSH) !== 0) return false;
  if (view.getUint16(other + tp.TCP_WINDOW) !== view.getUint16(first + tp.TCP_WINDOW)) return false;
  if (view.getUint16(other + tp.TCP_URGENT) !== view.getUint16(first + tp.TCP_URGENT)) return false;
  for (let i = 20; i < group.headers - IP_HEADER; i += 4) {
    if (view.getUint32(other + i) !== view.getUint32(first + i)) return false;
  }
  return true;
}

/** Adds the packet (as for beginGroup) to the group if it continues it. */
export function joinGroup(group: Group, { view, at, length }: ip.Span, headers: number): boolean {
  const payload = length - headers;
  const fits =
    !group.closed &&
    headers === group.headers &&
    payload <= group.size &&
    group.count < MAX_COUNT &&
    group.total + payload <= MAX_TOTAL;
  if (!fits || view.getUint32(at + IP_HEADER) !== view.getUint32(group.at + IP_HEADER)) return false;
  if (!sameIp(view, group, at) || (group.isTcp && !sameTcp(view, group, at))) return false;
  group.count += 1;
  group.total += payload;
  group.next = (group.next + payload) >>> 0;
  if (group.isTcp) group.flags |= view.getUint16(at + IP_HEADER + tp.TCP_FLAGS) & tp.PSH;
  group.closed = payload < group.size || group.flags !== 0;
  return true;
}

/** Makes the first packet's headers those of the whole group, and `vnet` what the device has to know of it. */
export function sealGroup(group: Group, view: DataView, vnet: Vnet): void {
  const { at, isTcp } = group;
  vnet.flags = CHECKSUM_VALID;
  vnet.gso = GSO_NONE;
  vnet.headerLength = 0;
  vnet.size = 0;
  vnet.checksumStart = 0;
  vnet.checksumOffset = 0;
  if (group.count === 1) return;
  const protocol = isTcp ? ip.PROTOCOL_TCP : ip.PROTOCOL_UDP;
  const transport = at + IP_HEADER;
  const length = group.total - IP_HEADER;
  view.setUint16(at + ip.TOTAL_LENGTH, group.total);
  ip.setIpChecksum(view, at);
  if (isTcp) view.setUint16(transport + tp.TCP_FLAGS, view.getUint16(transport + tp.TCP_FLAGS) | group.flags);
  else view.setUint16(transport + tp.UDP_LENGTH, length);
  view.setUint16(transport + tp.checksumAt(protocol), fold(tp.pseudoSum(view, at, protocol) + length));
  vnet.flags = NEEDS_CHECKSUM;
  vnet.gso = isTcp ? GSO_TCP4 : GSO_UDP;
  vnet.headerLength = group.headers;
  vnet.size = group.size;
  vnet.checksumStart = IP_HEADER;
  vnet.checksumOffset = tp.checksumAt(protocol);
}
