import assert from 'node:assert/strict';
import fc from 'fast-check';
import { joinableHeaders } from '../../../src/forwarder/coalesce.ts';
import { ip4Length } from '../../../src/forwarder/packet.ts';
import { finishChecksum } from '../../../src/forwarder/segment.ts';
import { isVerified } from '../../../src/forwarder/transport.ts';
import { createVnet, GSO_TCP4, GSO_UDP, NEEDS_CHECKSUM } from '../../../src/forwarder/vnet.ts';
import { cutAll, joinAll } from '../../support/offload.ts';
import { bytesOf, naiveChecksum, type Segment, segment, spanOf } from '../../support/packets.ts';

const ip = fc.nat(0xffffffff);
const words = (most: number) =>
  fc.nat(most).chain((count) => fc.array(fc.nat(255), { minLength: 4 * count, maxLength: 4 * count }));
const base = fc.record({
  source: ip,
  destination: ip,
  ttl: fc.integer({ min: 1, max: 255 }),
  tos: fc.nat(255),
  id: fc.nat(0xffff),
  fragment: fc.constantFrom(0, 0x4000),
});
const data = fc.uint8Array({ minLength: 1, maxLength: 4000 }).map((bytes) => [...bytes]);
const tcp = fc.record({ sequence: ip, ack: ip, flags: fc.nat(255), options: words(10) });
const superPackets = fc
  .tuple(base, data, fc.option(tcp, { nil: undefined }), fc.integer({ min: 1, max: 1500 }), words(10))
  .map(([fields, bytes, head, size, options]) => ({
    fields: { ...fields, options, data: bytes, ...(head && { tcp: head }) } as Segment,
    size,
  }));

const FIN_PSH = 0x09;
const CWR = 0x80;

/** Cutting as RFC and kernel describe it, from the fields rather than from bytes. */
function reference({ fields, size }: { fields: Segment; size: number }): Uint8Array[] {
  const { data: all, id = 0 } = fields;
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, i) => {
    const part = { ...fields, id: (id + i) & 0xffff, data: all.slice(i * size, (i + 1) * size) };
    if (!fields.tcp) return segment(part);
    const { sequence, flags } = fields.tcp;
    const kept = flags & ~(i === 0 ? 0 : CWR) & ~(i === count - 1 ? 0 : FIN_PSH);
    return segment({ ...part, tcp: { ...fields.tcp, sequence: (sequence + i * size) >>> 0, flags: kept } });
  });
}

/** The super-packet as the kernel hands it over: checksums not done. */
function handedOver({ fields, size }: { fields: Segment; size: number }) {
  const bytes = segment(fields);
  const transport = (bytes[0]! & 15) * 4;
  bytes.set([0xde, 0xad], transport + (fields.tcp ? 16 : 6));
  return { bytes, vnet: { ...createVnet(), gso: fields.tcp ? GSO_TCP4 : GSO_UDP, size } };
}

const hex = (packets: readonly Uint8Array[]) => packets.map((one) => Buffer.from(one).toString('hex'));
const withoutId = (bytes: Uint8Array): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy.set([0, 0], 4);
  copy.set([0, 0], 10);
  return copy;
};

describe('forwarder/segment', () => {
  it('cuts a super-packet into the packets that were meant, every field and checksum right', () => {
    const property = fc.property(superPackets, (one) => {
      assert.deepEqual(hex(cutAll(handedOver(one))!), hex(reference(one)));
    });
    fc.assert(property, { numRuns: 400 });
  });

  it('completes a checksum that was begun', () => {
    const property = fc.property(superPackets, ({ fields }) => {
      const done = segment(fields);
      const start = (done[0]! & 15) * 4;
      const offset = fields.tcp ? 16 : 6;
      const begun = Uint8Array.from(done);
      const pseudo = [...done.slice(12, 20), 0, done[9]!, (done.length - start) >> 8, (done.length - start) & 255];
      const sum = 0xffff - naiveChecksum(pseudo);
      begun.set([sum >> 8, sum & 255], start + offset);
      const span = spanOf(begun);
      assert.equal(finishChecksum(span, { ...createVnet(), checksumStart: start, checksumOffset: offset }), true);
      assert.deepEqual(bytesOf(span), done);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('refuses what is not what the device says of it, and never writes outside', () => {
    const vnets = fc.record({
      flags: fc.nat(255),
      gso: fc.constantFrom(GSO_TCP4, GSO_UDP, 3, 4),
      headerLength: fc.nat(0xffff),
      size: fc.nat(3000),
      checksumStart: fc.nat(0xffff),
      checksumOffset: fc.nat(0xffff),
    });
    const changes = fc.array(fc.tuple(fc.constantFrom(0, 9, 32, 33, 12), fc.nat(255)), { maxLength: 2 });
    const property = fc.property(superPackets, vnets, changes, ({ fields }, vnet, list) => {
      const bytes = segment(fields);
      for (const [at, value] of list) bytes[at % bytes.length] = value;
      const span = spanOf(bytes);
      if (ip4Length(span) < 0) return;
      finishChecksum(span, vnet);
      assert.ok(span.bytes.every((byte, i) => (i >= 7 && i < 7 + bytes.length) || byte === 0xee));
      const packets = cutAll({ bytes, vnet }) ?? [];
      for (const one of packets) assert.equal(ip4Length(spanOf(one)), one.length);
    });
    fc.assert(property, { numRuns: 1000 });
  });
});

describe('forwarder/coalesce', () => {
  const plain = superPackets.map(({ fields, size }) => {
    const { options: _, ...rest } = fields;
    const flags = rest.tcp && { tcp: { ...rest.tcp, flags: 0x10 | (rest.tcp.flags & 0x08) } };
    return { fields: { ...rest, ...flags } as Segment, size: Math.max(size, Math.ceil(rest.data.length / 64)) };
  });

  it('joins what was cut into the very super-packet again', () => {
    const property = fc.property(plain, (one) => {
      const packets = reference(one);
      const joined = joinAll(packets);
      assert.equal(joined.length, 1);
      const { bytes, vnet } = joined[0]!;
      if (packets.length === 1) return assert.deepEqual(bytes, packets[0]);
      assert.equal(vnet.flags, NEEDS_CHECKSUM);
      assert.deepEqual([vnet.checksumStart, vnet.checksumOffset], [20, one.fields.tcp ? 16 : 6]);
      assert.equal(ip4Length(spanOf(bytes)), bytes.length);
      assert.deepEqual(hex(cutAll(joined[0]!)!), hex(packets));
      const span = spanOf(bytes);
      finishChecksum(span, vnet);
      assert.deepEqual(bytesOf(span), segment(one.fields));
    });
    fc.assert(property, { numRuns: 400 });
  });

  it('joins nothing that would come out otherwise: whatever one changes in a packet, cutting gives it back', () => {
    const change = fc.record({ packet: fc.nat(10), at: fc.nat(60), value: fc.nat(255), repair: fc.boolean() });
    const property = fc.property(plain, fc.array(change, { maxLength: 3 }), (one, changes) => {
      const packets = reference(one);
      for (const { packet: index, at, value, repair } of changes) {
        const bytes = packets[index % packets.length]!;
        bytes[at % bytes.length] = value;
        if (repair) repairChecksums(bytes);
      }
      const sound = packets.filter((bytes) => ip4Length(spanOf(bytes)) === bytes.length);
      const again = joinAll(sound).flatMap((each) => (each.vnet.gso === 0 ? [each.bytes] : cutAll(each)!));
      // A packet that must not be fragmented needs no identification: it may come out with another.
      const comparable = (bytes: Uint8Array) => ((bytes[6]! & 0x40) === 0 ? bytes : withoutId(bytes));
      assert.deepEqual(hex(again.map(comparable)), hex(sound.map(comparable)));
    });
    fc.assert(property, { numRuns: 2000 });
  });

  it('holds back nothing whose checksum is wrong or missing', () => {
    const property = fc.property(plain, fc.nat(), (one, at) => {
      const bytes = segment(one.fields);
      const last = 20 + (at % (bytes.length - 20));
      bytes[last] = bytes[last]! ^ 0x55;
      if (joinableHeaders(spanOf(bytes)) > 0) assert.equal(isVerified(spanOf(bytes)), false);
    });
    fc.assert(property);
    const none = segment({ source: 1, destination: 2, data: [1, 2, 3] });
    none.set([0, 0], 26);
    assert.equal(isVerified(spanOf(none)), false);
  });
});

/** Both checksums made right again where the headers still say where they are. */
function repairChecksums(bytes: Uint8Array): void {
  const header = (bytes[0]! & 15) * 4;
  if (header < 20 || header > bytes.length) return;
  bytes.set([0, 0], 10);
  const sum = naiveChecksum(bytes.slice(0, header));
  bytes.set([sum >> 8, sum & 255], 10);
  const field = bytes[9] === 6 ? 16 : 6;
  const rest = bytes.length - header;
  if (header + field + 2 > bytes.length) return;
  bytes.set([0, 0], header + field);
  const whole = naiveChecksum([...bytes.slice(12, 20), 0, bytes[9]!, rest >> 8, rest & 255, ...bytes.slice(header)]);
  bytes.set([whole >> 8, whole & 255], header + field);
}
