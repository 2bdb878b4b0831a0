import { checksum, fold, sumWords } from '../model/checksum.ts';
import * as ip from './packet.ts';
import * as tp from './transport.ts';
import { GSO_TCP4, GSO_UDP, type Vnet } from './vnet.ts';

/**
 * How a super-packet is cut: what all segments have in common, worked out once. One object used again and again. Headers are written
 * anew for each segment; its payload stays where it is.
 */
export interface Cut {
  protocol: number;
  /** Bytes of the IP header, and of both headers. */
  ipHeader: number;
  headers: number;
  /** Payload bytes of a segment (the last may have fewer), and how many segments. */
  size: number;
  count: number;
  /** Sums of what does not change in the IP header, and in the pseudo header and the transport header. */
  ipSum: number;
  transportSum: number;
}

export const createCut = (): Cut => ({
  protocol: 0,
  ipHeader: 0,
  headers: 0,
  size: 0,
  count: 0,
  ipSum: 0,
  transportSum: 0,
});

/** Sums what is the same in all segments: the whole headers less the fields that differ. */
function sumHeaders(span: ip.Span, cut: Cut): void {
  const { view, at } = span;
  const transport = at + cut.ipHeader;
  const bytes = cut.headers - cut.ipHeader;
  const word = (offset: number): number => view.getUint16(offset);
  const ipVarying = word(at + ip.TOTAL_LENGTH) + word(at + ip.IDENTIFICATION) + word(at + ip.CHECKSUM);
  cut.ipSum = minus(sumWords(view, at, cut.ipHeader), ipVarying);
  const varying =
    cut.protocol === ip.PROTOCOL_TCP
      ? word(transport + tp.TCP_SEQUENCE) +
        word(transport + tp.TCP_SEQUENCE + 2) +
        word(transport + tp.TCP_FLAGS) +
        word(transport + tp.TCP_CHECKSUM)
      : word(transport + tp.UDP_LENGTH) + word(transport + tp.UDP_CHECKSUM);
  const fixed = minus(sumWords(view, transport, bytes), varying);
  cut.transportSum = fold(tp.pseudoSum(view, at, cut.protocol) + fixed);
}

/** One's complement subtraction. */
const minus = (sum: number, part: number): number => fold(sum + (~fold(part) & 0xffff));

/** Works out how to cut the packet; false where it is not what its vnet header says. */
export function planCut(span: ip.Span, vnet: Vnet, cut: Cut): boolean {
  const { view, at, length } = span;
  cut.protocol = view.getUint8(at + ip.PROTOCOL);
  cut.ipHeader = ip.headerLength(view, at);
  const isTcp = vnet.gso === GSO_TCP4 && cut.protocol === ip.PROTOCOL_TCP;
  const isUdp = vnet.gso === GSO_UDP && cut.protocol === ip.PROTOCOL_UDP;
  if ((!isTcp && !isUdp) || vnet.size === 0 || length < cut.ipHeader + (isTcp ? 20 : 8)) return false;
  const transportHeader = isTcp ? tp.tcpHeaderLength(view, at + cut.ipHeader) : 8;
  cut.headers = cut.ipHeader + transportHeader;
  if (transportHeader < 8 || (isTcp && transportHeader < 20) || length <= cut.headers) return false;
  cut.size = vnet.size;
  cut.count = Math.ceil((length - cut.headers) / vnet.size);
  sumHeaders(span, cut);
  return true;
}

/** Payload bytes of the i-th segment. */
export const payloadLength = (span: ip.Span, cut: Cut, i: number): number =>
  Math.min(cut.size, span.length - cut.headers - i * cut.size);

function writeTcp({ view, at }: ip.Span, cut: Cut, i: number, to: number): number {
  const original = at + cut.ipHeader;
  const sequence = (view.getUint32(original + tp.TCP_SEQUENCE) + i * cut.size) >>> 0;
  // RFC 3168: CWR is said once. FIN and PSH belong to the last byte.
  const notFirst = i === 0 ? 0 : tp.CWR;
  const notLast = i === cut.count - 1 ? 0 : tp.FIN | tp.PSH;
  const flags = view.getUint16(original + tp.TCP_FLAGS) & ~(notFirst | notLast);
  view.setUint32(to + tp.TCP_SEQUENCE, sequence);
  view.setUint16(to + tp.TCP_FLAGS, flags);
  return (sequence >>> 16) + (sequence & 0xffff) + flags;
}

function writeUdp({ view }: ip.Span, length: number, to: number): number {
  view.setUint16(to + tp.UDP_LENGTH, length);
  return length;
}

/** Copies `length` bytes (a multiple of 4). A call of copyWithin costs more than these few words. */
function copyWords(view: DataView, from: number, to: number, length: number): void {
  for (let i = 0; i < length; i += 4) view.setUint32(to + i, view.getUint32(from + i));
}

/**
 * Writes both headers of the i-th segment at `to` (in the same memory), all fields and checksums complete: the segment is these headers,
 * then payloadLength bytes from `span.at + headers + i * size`.
 */
export function writeSegmentHeader(span: ip.Span, cut: Cut, i: number, to: number): void {
  const { view, at } = span;
  const payload = payloadLength(span, cut, i);
  copyWords(view, at, to, cut.headers);
  const total = cut.headers + payload;
  const identification = (view.getUint16(at + ip.IDENTIFICATION) + i) & 0xffff;
  view.setUint16(to + ip.TOTAL_LENGTH, total);
  view.setUint16(to + ip.IDENTIFICATION, identification);
  view.setUint16(to + ip.CHECKSUM, ~fold(cut.ipSum + total + identification) & 0xffff);
  const transport = to + cut.ipHeader;
  const length = total - cut.ipHeader;
  const isTcp = cut.protocol === ip.PROTOCOL_TCP;
  const varying = isTcp ? writeTcp(span, cut, i, transport) : writeUdp(span, length, transport);
  const seed = cut.transportSum + varying + length;
  const sum = checksum(view, at + cut.headers + i * cut.size, payload, seed);
  view.setUint16(transport + tp.checksumAt(cut.protocol), tp.sentChecksum(cut.protocol, sum));
}

/** Completes a checksum that the kernel only began (NEEDS_CHECKSUM); false where its place is not within the packet. */
export function finishChecksum(span: ip.Span, vnet: Vnet): boolean {
  const { view, at, length } = span;
  const start = vnet.checksumStart;
  const field = start + vnet.checksumOffset;
  if (start < 20 || field + 2 > length) return false;
  // The field holds the pseudo header's sum: adding it up with the rest is just what is wanted.
  const sum = checksum(view, at + start, length - start);
  view.setUint16(at + field, tp.sentChecksum(view.getUint8(at + ip.PROTOCOL), sum));
  return true;
}
