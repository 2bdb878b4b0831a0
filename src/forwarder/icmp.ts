import { checksum } from '../model/checksum.ts';
import * as ip from './packet.ts';

/** An ICMP error; `mtu` is the next hop's, in bytes, where the code has one. */
export interface IcmpError {
  readonly type: number;
  readonly code: number;
  readonly mtu: number;
}

export const NET_UNREACHABLE: IcmpError = { type: 3, code: 0, mtu: 0 };
export const TIME_EXCEEDED: IcmpError = { type: 11, code: 0, mtu: 0 };
export const fragmentationNeeded = (mtu: number): IcmpError => ({ type: 3, code: 4, mtu });

/** RFC 1812, 4.3.2.3: as much of the offending packet as fits into 576 bytes. */
export const ICMP_MAX = 576;
const IP_HEADER = 20;
const ICMP_HEADER = 8;
const HEADERS = IP_HEADER + ICMP_HEADER;
/** ICMP types that answer a packet rather than ask: unreachable, source quench, redirect, time exceeded, parameter problem. */
const ERROR_TYPES = new Set([3, 4, 5, 11, 12]);

/** Loopback, "this network", multicast, reserved: nobody to answer to. */
const isHost = (address: number): boolean => {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
};

/** RFC 1122, 3.2.2: no error about an error, a later fragment, or what was sent from or to a group. */
export function mayAnswer(offender: ip.Span): boolean {
  const { view, at } = offender;
  if (ip.ip4Length(offender) < 0) return false;
  if ((view.getUint16(at + ip.FRAGMENT) & 0x1fff) !== 0) return false;
  if (!isHost(ip.sourceOf(offender)) || !isHost(ip.destinationOf(offender))) return false;
  if (view.getUint8(at + ip.PROTOCOL) !== ip.PROTOCOL_ICMP) return true;
  const header = ip.headerLength(view, at);
  return view.getUint16(at + ip.TOTAL_LENGTH) > header && !ERROR_TYPES.has(view.getUint8(at + header));
}

/**
 * Writes the whole error packet about `offender`, from the address `from` to its sender, into `target` (ICMP_MAX bytes). Returns its
 * length, or 0 where no error may be sent.
 */
export function buildIcmpError(target: ip.Span, offender: ip.Span, error: IcmpError, from: number): number {
  if (!mayAnswer(offender)) return 0;
  const { bytes, view, at } = target;
  const quoted = Math.min(offender.view.getUint16(offender.at + ip.TOTAL_LENGTH), ICMP_MAX - HEADERS);
  bytes.fill(0, at, at + HEADERS);
  bytes.set(offender.bytes.subarray(offender.at, offender.at + quoted), at + HEADERS);
  view.setUint8(at, 0x45);
  // Precedence "internetwork control", as routers mark their errors (RFC 1812, 4.3.2.5).
  view.setUint8(at + 1, 0xc0);
  view.setUint16(at + ip.TOTAL_LENGTH, HEADERS + quoted);
  // Never fragmented, so it needs no identification (RFC 6864).
  view.setUint16(at + ip.FRAGMENT, 0x4000);
  view.setUint8(at + ip.TTL, 64);
  view.setUint8(at + ip.PROTOCOL, ip.PROTOCOL_ICMP);
  view.setUint32(at + ip.SOURCE, from);
  view.setUint32(at + ip.DESTINATION, ip.sourceOf(offender));
  ip.setIpChecksum(view, at);
  view.setUint8(at + IP_HEADER, error.type);
  view.setUint8(at + IP_HEADER + 1, error.code);
  view.setUint16(at + IP_HEADER + 6, error.mtu);
  view.setUint16(at + IP_HEADER + 2, checksum(view, at + IP_HEADER, ICMP_HEADER + quoted));
  return HEADERS + quoted;
}
