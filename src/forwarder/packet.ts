import { DROP_REASONS, type DropReason } from '../model/carrier-report.ts';
import { checksum } from '../model/checksum.ts';

/**
 * Where a packet lies: `length` bytes from `at`, seen as bytes and as numbers. One object a buffer, used again and again: nothing is
 * allocated a packet.
 */
export interface Span {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  length: number;
}

/** A reason to drop, as a number below zero, so that it fits beside an index or a length. */
export const DROP = Object.fromEntries(DROP_REASONS.map((reason, i) => [reason, ~i])) as Readonly<
  Record<DropReason, number>
>;
// A property of a record is looked up a packet; constants are not.
const NOT_IP4 = DROP['not-ip4'];
const TRUNCATED = DROP.truncated;
const BAD_CHECKSUM = DROP['bad-checksum'];

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

/** Offsets in an IPv4 header. */
export const TOTAL_LENGTH = 2;
export const IDENTIFICATION = 4;
export const FRAGMENT = 6;
export const TTL = 8;
export const PROTOCOL = 9;
export const CHECKSUM = 10;
export const SOURCE = 12;
export const DESTINATION = 16;

/** Length of the packet's IPv4 header in bytes. */
export const headerLength = (view: DataView, at: number): number => (view.getUint8(at) & 15) * 4;

export const sourceOf = ({ view, at }: Span): number => view.getUint32(at + SOURCE);
export const destinationOf = ({ view, at }: Span): number => view.getUint32(at + DESTINATION);

/** "Don't fragment" is set. */
export const mustNotFragment = ({ view, at }: Span): boolean => (view.getUint8(at + FRAGMENT) & 0x40) !== 0;

/** The packet's own total length if its IPv4 header is sane and complete (what follows is padding), else a DROP number. */
export function ip4Length({ view, at, length }: Span): number {
  if (length > 0 && view.getUint8(at) >> 4 !== 4) return NOT_IP4;
  if (length < 20) return TRUNCATED;
  const header = headerLength(view, at);
  const total = view.getUint16(at + TOTAL_LENGTH);
  if (header < 20 || total < header || total > length) return TRUNCATED;
  return checksum(view, at, header) === 0 ? total : BAD_CHECKSUM;
}

/** Time to live; a packet with 1 or 0 must not be forwarded. */
export const ttlOf = ({ view, at }: Span): number => view.getUint8(at + TTL);

/** Takes one off the time to live and corrects the header checksum (RFC 1624, equation 3: HC' = ~(~HC + ~m + m')). */
export function decrementTtl({ view, at }: Span): void {
  const before = view.getUint16(at + TTL);
  const after = before - 0x100;
  const sum = (~view.getUint16(at + CHECKSUM) & 0xffff) + (~before & 0xffff) + after;
  const once = (sum >>> 16) + (sum & 0xffff);
  view.setUint16(at + TTL, after);
  view.setUint16(at + CHECKSUM, ~((once >>> 16) + once) & 0xffff);
}

/** Computes the header checksum anew. */
export function setIpChecksum(view: DataView, at: number): void {
  view.setUint16(at + CHECKSUM, 0);
  view.setUint16(at + CHECKSUM, checksum(view, at, headerLength(view, at)));
}
