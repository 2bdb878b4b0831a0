import { checksum } from './checksum.ts';
import { DROP_REASONS, type DropReason } from './forwarder.ts';

/** Where a packet lies: `length` bytes of `bytes` from `at`. One object a buffer slot, used again and again: nothing is allocated a packet. */
export interface Span {
  readonly bytes: Uint8Array;
  readonly at: number;
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

export const readU16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

export const readU32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 0xff;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  writeU16(bytes, at, value >>> 16);
  writeU16(bytes, at + 2, value & 0xffff);
}

/** Length of the packet's header in bytes. */
export const headerLength = (bytes: Uint8Array, at: number): number => (bytes[at]! & 15) * 4;

export const sourceOf = (span: Span): number => readU32(span.bytes, span.at + 12);
export const destinationOf = (span: Span): number => readU32(span.bytes, span.at + 16);

/** "Don't fragment" is set. */
export const mustNotFragment = (span: Span): boolean => (span.bytes[span.at + 6]! & 0x40) !== 0;

/** The packet's own total length if its IPv4 header is sane and complete (what follows is padding), else a DROP number. */
export function ip4Length({ bytes, at, length }: Span): number {
  if (length > 0 && bytes[at]! >> 4 !== 4) return NOT_IP4;
  if (length < 20) return TRUNCATED;
  const header = headerLength(bytes, at);
  const total = readU16(bytes, at + 2);
  if (header < 20 || total < header || total > length) return TRUNCATED;
  return checksum(bytes, at, header) === 0 ? total : BAD_CHECKSUM;
}

/** Time to live; a packet with 1 or 0 must not be forwarded. */
export const ttlOf = ({ bytes, at }: Span): number => bytes[at + 8]!;

/** Takes one off the time to live and corrects the header checksum (RFC 1624, equation 3: HC' = ~(~HC + ~m + m')). */
export function decrementTtl({ bytes, at }: Span): void {
  const before = readU16(bytes, at + 8);
  const after = before - 0x100;
  const sum = (~readU16(bytes, at + 10) & 0xffff) + (~before & 0xffff) + after;
  const once = (sum >>> 16) + (sum & 0xffff);
  bytes[at + 8] = after >>> 8;
  writeU16(bytes, at + 10, ~((once >>> 16) + once) & 0xffff);
}
