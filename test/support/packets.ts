/** Packets for tests, built the plain way: what the code under test does fast is done here slowly and independently. */

import type { Span } from '../../src/forwarder/packet.ts';
import { parseIp4 } from '../../src/model/address.ts';

/** The internet checksum as RFC 1071 words it: add, carry round, complement. */
export function naiveChecksum(bytes: readonly number[] | Uint8Array): number {
  let sum = 0n;
  for (let i = 0; i < bytes.length; i += 2) sum += BigInt(bytes[i]! * 256 + (bytes[i + 1] ?? 0));
  while (sum > 0xffffn) sum = (sum & 0xffffn) + (sum >> 16n);
  return 0xffff - Number(sum);
}

export const address = (text: string): number => Number(parseIp4(text)!.value);

const word = (value: number): number[] => [(value >>> 8) & 255, value & 255];
const long = (value: number): number[] => [...word(value >>> 16), ...word(value & 0xffff)];

export interface Fields {
  readonly source: number;
  readonly destination: number;
  readonly ttl?: number;
  readonly protocol?: number;
  /** Flags and fragment offset as they stand in the header. */
  readonly fragment?: number;
  /** A multiple of 4 bytes. */
  readonly options?: readonly number[];
  readonly payload?: readonly number[];
}

/** A whole IPv4 packet with a right header checksum. */
export function packet(fields: Fields): Uint8Array {
  const { options = [], payload = [1, 2, 3, 4, 5, 6, 7, 8] } = fields;
  const header = 20 + options.length;
  const bytes = [
    0x40 | (header / 4),
    0,
    ...word(header + payload.length),
    ...word(0x1234),
    ...word(fields.fragment ?? 0),
    fields.ttl ?? 64,
    fields.protocol ?? 17,
    0,
    0,
    ...long(fields.source),
    ...long(fields.destination),
    ...options,
  ];
  bytes.splice(10, 2, ...word(naiveChecksum(bytes)));
  return Uint8Array.from([...bytes, ...payload]);
}

/** The bytes at an odd place of a larger buffer, followed by `trailing` others. */
export function spanOf(bytes: Uint8Array, trailing = 0): Span {
  const buffer = new Uint8Array(bytes.length + trailing + 50).fill(0xee);
  buffer.set(bytes, 7);
  return { bytes: buffer, view: new DataView(buffer.buffer), at: 7, length: bytes.length + trailing };
}

/** The bytes of a span. */
export const bytesOf = ({ bytes, at, length }: Span): Uint8Array => bytes.slice(at, at + length);

export interface Segment extends Omit<Fields, 'payload' | 'protocol'> {
  readonly id?: number;
  readonly tos?: number;
  readonly data: readonly number[];
  /** TCP when given, else UDP. */
  readonly tcp?: {
    readonly sequence: number;
    readonly ack: number;
    readonly flags: number;
    readonly options?: readonly number[];
  };
}

/** A TCP or UDP packet with all checksums right. */
export function segment(fields: Segment): Uint8Array {
  const { tcp, data, source, destination } = fields;
  const options = tcp?.options ?? [];
  const head = tcp
    ? [...word(5001), ...word(80), ...long(tcp.sequence), ...long(tcp.ack), ((20 + options.length) / 4) << 4, tcp.flags]
    : [...word(5001), ...word(80), ...word(8 + data.length)];
  const tail = tcp ? [...word(512), 0, 0, 0, 0, ...options] : [0, 0];
  const payload = [...head, ...tail, ...data];
  const protocol = tcp ? 6 : 17;
  const sum = naiveChecksum([...long(source), ...long(destination), 0, protocol, ...word(payload.length), ...payload]);
  payload.splice(tcp ? 16 : 6, 2, ...word(sum === 0 && !tcp ? 0xffff : sum));
  const bytes = packet({ ...fields, protocol, payload });
  bytes[1] = fields.tos ?? 0;
  bytes.set(word(fields.id ?? 0x1234), 4);
  bytes.set([0, 0], 10);
  bytes.set(word(naiveChecksum(bytes.slice(0, (bytes[0]! & 15) * 4))), 10);
  return bytes;
}
