import { checksum, sumWords } from '../model/checksum.ts';
import { headerLength, PROTOCOL, PROTOCOL_TCP, PROTOCOL_UDP, SOURCE, type Span } from './packet.ts';

/** Offsets in TCP and UDP headers, and flags of TCP. */
export const TCP_SEQUENCE = 4;
export const TCP_ACK = 8;
/** Header length in the high four bits, flags in the low nine. */
export const TCP_FLAGS = 12;
export const TCP_WINDOW = 14;
export const TCP_CHECKSUM = 16;
export const TCP_URGENT = 18;
export const UDP_LENGTH = 4;
export const UDP_CHECKSUM = 6;
export const FIN = 0x01;
export const PSH = 0x08;
export const ACK = 0x10;
export const CWR = 0x80;

export const tcpHeaderLength = (view: DataView, at: number): number => (view.getUint8(at + TCP_FLAGS) >> 4) * 4;

/** Offset of the checksum field. */
export const checksumAt = (protocol: number): number => (protocol === PROTOCOL_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);

/** Sum of the pseudo header of the packet at `at`, without the length. */
export const pseudoSum = (view: DataView, at: number, protocol: number): number =>
  sumWords(view, at + SOURCE, 8) + protocol;

/** UDP sends a checksum of 0 as its other name: 0 would mean none (RFC 768). */
export const sentChecksum = (protocol: number, value: number): number =>
  value === 0 && protocol === PROTOCOL_UDP ? 0xffff : value;

/** Whether the TCP or UDP checksum of a sound packet is there and right. */
export function isVerified({ view, at, length }: Span): boolean {
  const protocol = view.getUint8(at + PROTOCOL);
  const header = headerLength(view, at);
  if (protocol === PROTOCOL_UDP && view.getUint16(at + header + UDP_CHECKSUM) === 0) return false;
  return checksum(view, at + header, length - header, pseudoSum(view, at, protocol) + length - header) === 0;
}
