import { checksum } from '../model/checksum.ts';

/** What one node asks another in an ICMP echo request; the peer's kernel sends it back as it is, so that real flanneld nodes answer too. */
export interface Message {
  /** The asker's own subnet: address (a number) and prefix length. */
  readonly subnet: number;
  readonly length: number;
  /** Whether the asker has heard requests of the one it asks lately: tells one-way failures apart. */
  readonly hears: boolean;
  /** Random, of one asker's lifetime: an answer nobody asked for is not believed. */
  readonly nonce: bigint;
  /** The asker's real-time clock, in ns. */
  readonly sentAt: bigint;
  readonly sequence: number;
}

/** A message as it came. */
export interface Received extends Message {
  readonly kind: 'request' | 'reply';
  /** IPv4 source address, as a number. */
  readonly from: number;
}

const REPLY = 0;
const REQUEST = 8;
const ICMP = 1;
const MAGIC = 0x7473666c;
const VERSION = 1;
const HEADER = 8;
/** ICMP header and ours. */
export const MESSAGE_BYTES = HEADER + 28;

/** An ICMP echo request, checksum and all, of `size` bytes. */
export function encode(message: Message, id: number, size = MESSAGE_BYTES): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, REQUEST);
  view.setUint16(4, id);
  view.setUint16(6, message.sequence);
  view.setUint32(8, MAGIC);
  view.setUint8(12, VERSION);
  view.setUint8(13, message.hears ? 1 : 0);
  view.setUint8(14, message.length);
  view.setUint32(16, message.subnet);
  view.setBigUint64(20, message.nonce);
  view.setBigUint64(28, message.sentAt);
  view.setUint16(2, checksum(view, 0, size));
  return bytes;
}

/** What a raw ICMP socket received, IPv4 header first; `undefined` for what is not ours. The kernel has checked both checksums. */
export function decode(packet: Uint8Array): Received | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (view.byteLength < 20 || view.getUint8(0) >> 4 !== 4 || view.getUint8(9) !== ICMP) return undefined;
  const at = (view.getUint8(0) & 15) * 4;
  if (at < 20 || view.byteLength < at + MESSAGE_BYTES) return undefined;
  const type = view.getUint8(at);
  if ((type !== REPLY && type !== REQUEST) || view.getUint32(at + 8) !== MAGIC || view.getUint8(at + 12) !== VERSION)
    return undefined;
  return {
    kind: type === REPLY ? 'reply' : 'request',
    from: view.getUint32(12),
    sequence: view.getUint16(at + 6),
    hears: view.getUint8(at + 13) === 1,
    length: view.getUint8(at + 14),
    subnet: view.getUint32(at + 16),
    nonce: view.getBigUint64(at + 20),
    sentAt: view.getBigUint64(at + 28),
  };
}
