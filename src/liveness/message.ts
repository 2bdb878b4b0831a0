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
  /** What is left of its time to live: one less for each host that forwarded it. */
  readonly ttl: number;
}

/** A host's word that a request of ours went no further. */
export interface Undelivered {
  /** The address that was asked, as a number. */
  readonly to: number;
  readonly nonce: bigint;
  /** ICMP: 1 for a host that nobody is, 9, 10 and 13 for what a firewall forbids. */
  readonly code: number;
}

const REPLY = 0;
const UNREACHABLE = 3;
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

/** Where the ICMP message in this IPv4 packet begins; `undefined` when it is not one of so many bytes at least. */
function icmpAt(view: DataView, from: number, bytes: number): number | undefined {
  if (view.byteLength < from + 20 || view.getUint8(from) >> 4 !== 4 || view.getUint8(from + 9) !== ICMP)
    return undefined;
  const header = (view.getUint8(from) & 15) * 4;
  return header < 20 || view.byteLength < from + header + bytes ? undefined : from + header;
}

const isOurs = (view: DataView, at: number): boolean =>
  view.getUint32(at + 8) === MAGIC && view.getUint8(at + 12) === VERSION;

/** What a raw ICMP socket received, IPv4 header first; `undefined` for what is not ours. The kernel has checked both checksums. */
export function decode(packet: Uint8Array): Received | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const at = icmpAt(view, 0, MESSAGE_BYTES);
  if (at === undefined) return undefined;
  const type = view.getUint8(at);
  if ((type !== REPLY && type !== REQUEST) || !isOurs(view, at)) return undefined;
  return {
    kind: type === REPLY ? 'reply' : 'request',
    from: view.getUint32(12),
    ttl: view.getUint8(8),
    sequence: view.getUint16(at + 6),
    hears: view.getUint8(at + 13) === 1,
    length: view.getUint8(at + 14),
    subnet: view.getUint32(at + 16),
    nonce: view.getBigUint64(at + 20),
    sentAt: view.getBigUint64(at + 28),
  };
}

/** The same for an error about one of our requests, which it quotes. */
export function decodeError(packet: Uint8Array): Undelivered | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const at = icmpAt(view, 0, HEADER);
  if (at === undefined || view.getUint8(at) !== UNREACHABLE) return undefined;
  const quoted = icmpAt(view, at + HEADER, MESSAGE_BYTES);
  if (quoted === undefined || view.getUint8(quoted) !== REQUEST || !isOurs(view, quoted)) return undefined;
  return {
    to: view.getUint32(at + HEADER + 16),
    nonce: view.getBigUint64(quoted + 20),
    code: view.getUint8(at + 1),
  };
}
