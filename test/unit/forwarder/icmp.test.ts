import assert from 'node:assert/strict';
import {
  buildIcmpError,
  fragmentationNeeded,
  ICMP_MAX,
  NET_UNREACHABLE,
  TIME_EXCEEDED,
} from '../../../src/forwarder/icmp.ts';
import { address, bytesOf, naiveChecksum, packet, spanOf } from '../../support/packets.ts';

const FROM = { source: address('10.1.2.3'), destination: address('10.1.3.4') };
const NODE = address('10.1.2.0');

function build(offender: Uint8Array, error = TIME_EXCEEDED): Uint8Array {
  const target = spanOf(new Uint8Array(ICMP_MAX).fill(0xaa));
  return bytesOf({ ...target, length: buildIcmpError(target, spanOf(offender), error, NODE) });
}

describe('forwarder/icmp', () => {
  it('builds a packet from this node to the sender that quotes the offender', () => {
    const offender = packet(FROM);
    const error = build(offender);
    assert.deepEqual([...error.slice(0, 10)], [0x45, 0xc0, 0, 56, 0, 0, 0x40, 0, 64, 1]);
    assert.deepEqual([...error.slice(12, 20)], [10, 1, 2, 0, 10, 1, 2, 3]);
    assert.equal(naiveChecksum(error.slice(0, 20)), 0);
    assert.deepEqual([...error.slice(20, 22)], [11, 0]);
    assert.equal(naiveChecksum(error.slice(20)), 0);
    assert.deepEqual(error.slice(28), offender);
  });

  it('tells the MTU where fragmentation is needed', () => {
    assert.deepEqual([...build(packet(FROM), fragmentationNeeded(1372)).slice(20, 22)], [3, 4]);
    assert.deepEqual([...build(packet(FROM), fragmentationNeeded(1372)).slice(24, 28)], [0, 0, 5, 92]);
    assert.deepEqual([...build(packet(FROM), NET_UNREACHABLE).slice(20, 22)], [3, 0]);
  });

  it('quotes no more than fits into 576 bytes', () => {
    const error = build(packet({ ...FROM, payload: new Array<number>(1001).fill(5) }));
    assert.equal(error.length, 576);
    assert.equal(naiveChecksum(error.slice(20)), 0);
  });

  it('answers an echo request, but no ICMP error and no later fragment', () => {
    const icmp = (type: number, payload = [type, 0, 0, 0, 0, 0, 0, 0]) => packet({ ...FROM, protocol: 1, payload });
    assert.ok(build(icmp(8)).length > 0);
    for (const type of [3, 4, 5, 11, 12]) assert.equal(build(icmp(type)).length, 0);
    assert.equal(build(icmp(8, [])).length, 0);
    assert.equal(build(packet({ ...FROM, fragment: 1 })).length, 0);
    assert.ok(build(packet({ ...FROM, fragment: 0x2000 })).length > 0);
  });

  it('answers nobody who is not one host', () => {
    for (const source of ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255'].map(address)) {
      assert.equal(build(packet({ ...FROM, source })).length, 0);
    }
    assert.equal(build(packet({ ...FROM, destination: address('239.1.1.1') })).length, 0);
    assert.equal(build(packet(FROM).slice(0, 20)).length, 0);
  });
});
