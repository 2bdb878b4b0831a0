import assert from 'node:assert/strict';
import { DROP, decrementTtl, ip4Length, mustNotFragment, ttlOf } from '../../../src/forwarder/packet.ts';
import { address, bytesOf, naiveChecksum, packet, spanOf } from '../../support/packets.ts';

const FROM = { source: address('10.1.2.3'), destination: address('10.1.3.4') };

/** The packet with some bytes changed, its checksum left as it was. */
function changed(at: number, ...values: number[]) {
  const bytes = packet(FROM);
  bytes.set(values, at);
  return spanOf(bytes);
}

describe('forwarder/packet', () => {
  it('accepts a sane packet and says its own length, not that of the buffer', () => {
    assert.equal(ip4Length(spanOf(packet(FROM))), 28);
    assert.equal(ip4Length(spanOf(packet(FROM), 13)), 28);
    assert.equal(ip4Length(spanOf(packet({ ...FROM, options: [1, 1, 1, 0], payload: [] }))), 24);
  });

  it('names what is wrong with a packet', () => {
    assert.equal(ip4Length(changed(0, 0x65)), DROP['not-ip4']);
    assert.equal(ip4Length(changed(0, 0x44)), DROP.truncated);
    assert.equal(ip4Length(changed(0, 0x4f)), DROP.truncated);
    assert.equal(ip4Length(changed(2, 0, 29)), DROP.truncated);
    assert.equal(ip4Length(changed(2, 0, 19)), DROP.truncated);
    assert.equal(ip4Length(changed(9, 6)), DROP['bad-checksum']);
    assert.equal(ip4Length(spanOf(new Uint8Array(0))), DROP.truncated);
    assert.equal(ip4Length(spanOf(packet(FROM).slice(0, 19))), DROP.truncated);
    assert.equal(ip4Length(spanOf(Uint8Array.of(0x60))), DROP['not-ip4']);
  });

  it('decrements the time to live, and the header checksum stays right', () => {
    const span = spanOf(packet({ ...FROM, ttl: 2 }));
    decrementTtl(span);
    assert.equal(ttlOf(span), 1);
    assert.equal(naiveChecksum(bytesOf(span).slice(0, 20)), 0);
  });

  it('reads the "don’t fragment" flag', () => {
    assert.equal(mustNotFragment(spanOf(packet({ ...FROM, fragment: 0x4000 }))), true);
    assert.equal(mustNotFragment(spanOf(packet({ ...FROM, fragment: 0x2000 }))), false);
  });
});
