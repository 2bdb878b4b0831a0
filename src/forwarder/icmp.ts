import { checksum } from './checksum.ts';
import { headerLength, ip4Length, readU16, readU32, type Span, writeU16, writeU32 } from './packet.ts';

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
const PROTOCOL_ICMP = 1;
/** ICMP types that answer a packet rather than ask: unreachable, source quench, redirect, time exceeded, parameter problem. */
const ERROR_TYPES = new Set([3, 4, 5, 11, 12]);

/** Loopback, "this network", multicast, reserved: nobody to answer to. */
const isHost = (address: number): boolean => {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
};

/** RFC 1122, 3.2.2: no error about an error, a later fragment, or what was sent from or to a group. */
export function mayAnswer(offender: Span): boolean {
  const { bytes, at } = offender;
  if (ip4Length(offender) < 0) return false;
  if ((readU16(bytes, at + 6) & 0x1fff) !== 0) return false;
  if (!isHost(readU32(bytes, at + 12)) || !isHost(readU32(bytes, at + 16))) return false;
  const header = headerLength(bytes, at);
  const hasType = readU16(bytes, at + 2) > header;
  return bytes[at + 9] !== PROTOCOL_ICMP || (hasType && !ERROR_TYPES.has(bytes[at + header]!));
}

/**
 * Writes the whole error packet about `offender`, from the address `from` to its sender, at the start of `target` (ICMP_MAX bytes).
 * Returns its length, or 0 where no error may be sent.
 */
export function buildIcmpError(target: Uint8Array, offender: Span, error: IcmpError, from: number): number {
  if (!mayAnswer(offender)) return 0;
  const quoted = Math.min(readU16(offender.bytes, offender.at + 2), ICMP_MAX - IP_HEADER - ICMP_HEADER);
  const length = IP_HEADER + ICMP_HEADER + quoted;
  target.fill(0, 0, IP_HEADER + ICMP_HEADER);
  target.set(offender.bytes.subarray(offender.at, offender.at + quoted), IP_HEADER + ICMP_HEADER);
  target[0] = 0x45;
  // Precedence "internetwork control", as routers mark their errors (RFC 1812, 4.3.2.5).
  target[1] = 0xc0;
  writeU16(target, 2, length);
  // Never fragmented, so it needs no identification (RFC 6864).
  writeU16(target, 6, 0x4000);
  target[8] = 64;
  target[9] = PROTOCOL_ICMP;
  writeU32(target, 12, from);
  writeU32(target, 16, readU32(offender.bytes, offender.at + 12));
  writeU16(target, 10, checksum(target, 0, IP_HEADER));
  target[IP_HEADER] = error.type;
  target[IP_HEADER + 1] = error.code;
  writeU16(target, IP_HEADER + 6, error.mtu);
  writeU16(target, IP_HEADER + 2, checksum(target, IP_HEADER, ICMP_HEADER + quoted));
  return length;
}
