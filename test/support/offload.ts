/** Cutting and joining as a test needs them: whole packets in, whole packets out. */
import { beginGroup, createGroup, joinableHeaders, joinGroup, sealGroup } from '../../src/forwarder/coalesce.ts';
import type { Span } from '../../src/forwarder/packet.ts';
import { createCut, payloadLength, planCut, writeSegmentHeader } from '../../src/forwarder/segment.ts';
import { isVerified } from '../../src/forwarder/transport.ts';
import { createVnet, type Vnet } from '../../src/forwarder/vnet.ts';

export interface SuperPacket {
  readonly bytes: Uint8Array;
  readonly vnet: Vnet;
}

const HEADERS_AT = 70_000;

/** The segments of a super-packet as whole packets; undefined where it cannot be cut. */
export function cutAll({ bytes, vnet }: SuperPacket): Uint8Array[] | undefined {
  const buffer = new Uint8Array(HEADERS_AT + 128);
  buffer.set(bytes, 16);
  const span: Span = { bytes: buffer, view: new DataView(buffer.buffer), at: 16, length: bytes.length };
  const cut = createCut();
  if (!planCut(span, vnet, cut)) return undefined;
  return Array.from({ length: cut.count }, (_, i) => {
    writeSegmentHeader(span, cut, i, HEADERS_AT);
    const rest = span.at + cut.headers + i * cut.size;
    const payload = buffer.slice(rest, rest + payloadLength(span, cut, i));
    return Uint8Array.from([...buffer.slice(HEADERS_AT, HEADERS_AT + cut.headers), ...payload]);
  });
}

/** The packets put one behind the other into groups; each group sealed. What may not be in a group stands alone. */
export function joinAll(packets: readonly Uint8Array[]): SuperPacket[] {
  const buffer = new Uint8Array(packets.reduce((sum, one) => sum + one.length, 0));
  const view = new DataView(buffer.buffer);
  const groups: { group: ReturnType<typeof createGroup>; payloads: Uint8Array[]; first: number; length: number }[] = [];
  let at = 0;
  for (const bytes of packets) {
    buffer.set(bytes, at);
    const span: Span = { bytes: buffer, view, at, length: bytes.length };
    const headers = joinableHeaders(span);
    const last = groups.at(-1);
    if (headers > 0 && isVerified(span) && last && joinGroup(last.group, span, headers)) {
      last.payloads.push(bytes.slice(headers));
    } else {
      const group = createGroup();
      if (headers > 0 && isVerified(span)) beginGroup(group, span, headers);
      groups.push({ group, payloads: [], first: at, length: bytes.length });
    }
    at += bytes.length;
  }
  return groups.map(({ group, payloads, first, length }) => {
    const vnet = createVnet();
    if (group.count > 0) sealGroup(group, view, vnet);
    return {
      bytes: Uint8Array.from([...buffer.slice(first, first + length), ...payloads.flatMap((one) => [...one])]),
      vnet,
    };
  });
}
