import assert from 'node:assert/strict';
import fc from 'fast-check';
import { buildIcmpError, fragmentationNeeded, ICMP_MAX, mayAnswer } from '../../../src/forwarder/icmp.ts';
import { decrementTtl, ip4Length } from '../../../src/forwarder/packet.ts';
import { checksum, sumWords } from '../../../src/model/checksum.ts';
import { bytesOf, naiveChecksum, packet, spanOf } from '../../support/packets.ts';

const ip = fc.nat(0xffffffff);
const fields = fc.record({
  source: ip,
  destination: ip,
  ttl: fc.integer({ min: 1, max: 255 }),
  protocol: fc.nat(255),
  fragment: fc.nat(0xffff),
  options: fc.nat(10).chain((words) => fc.array(fc.nat(255), { minLength: 4 * words, maxLength: 4 * words })),
  payload: fc.array(fc.nat(255), { maxLength: 700 }),
});

describe('forwarder/checksum', () => {
  it('is the one that RFC 1071 describes, at any place, for any length and in any number of parts', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(1500), (bytes, cut) => {
      const span = spanOf(bytes);
      assert.equal(checksum(span.view, span.at, span.length), naiveChecksum(bytes));
      const even = Math.min(cut & ~1, span.length & ~1);
      const seed = sumWords(span.view, span.at, even);
      assert.equal(checksum(span.view, span.at + even, span.length - even, seed), naiveChecksum(bytes));
    });
    fc.assert(property);
  });

  it('does not overflow on the longest packet', () => {
    const bytes = new Uint8Array(65_535).fill(255);
    assert.equal(checksum(new DataView(bytes.buffer), 0, bytes.length), naiveChecksum(bytes));
  });
});

describe('forwarder/packet properties', () => {
  it('accepts every whole packet, and decrementing its time to live gives the checksum that adding up gives', () => {
    const property = fc.property(fields, (one) => {
      const span = spanOf(packet(one));
      assert.equal(ip4Length(span), span.length);
      decrementTtl(span);
      assert.deepEqual(bytesOf(span), packet({ ...one, ttl: one.ttl - 1 }));
    });
    fc.assert(property, { numRuns: 1000 });
  });

  it('builds only whole ICMP errors, with both checksums right', () => {
    const property = fc.property(fields, fc.nat(0xffff), ip, (one, mtu, from) => {
      const target = spanOf(new Uint8Array(ICMP_MAX));
      const span = spanOf(packet(one));
      const length = buildIcmpError(target, span, fragmentationNeeded(mtu), from);
      assert.equal(length > 0, mayAnswer(span));
      if (length === 0) return;
      target.length = length;
      assert.equal(ip4Length(target), length);
      assert.equal(naiveChecksum(bytesOf(target).slice(20)), 0);
    });
    fc.assert(property, { numRuns: 500 });
  });
});
