import assert from 'node:assert/strict';
import { clearPeer, countInto, createSharedCounters, readCounters } from '../../../src/forwarder/counters.ts';
import { createLimiter } from '../../../src/forwarder/limiter.ts';
import { DROP } from '../../../src/forwarder/packet.ts';
import { createPeerIndex } from '../../../src/forwarder/peers.ts';
import type { Forward } from '../../../src/kernel/state.ts';
import { parseIp, parsePrefix } from '../../../src/model/address.ts';

const A = parsePrefix('10.1.2.0/24')!;
const B = parsePrefix('10.1.3.0/24')!;
const C = parsePrefix('10.1.4.0/24')!;
const forward = (subnet: typeof A): Forward => ({
  kind: 'forward',
  device: 'flannel0',
  subnet,
  nextHop: parseIp('192.168.0.2')!,
  port: 8285,
});

describe('forwarder/counters', () => {
  it('counts for the node, for the peer and by reason', () => {
    const buffer = createSharedCounters();
    const counters = countInto(buffer);
    counters.sent(0, 1, 100);
    counters.sent(1, 2, 50);
    counters.received(1, 1, 2 ** 40);
    counters.dropped(DROP.ttl, 3);
    const read = readCounters(buffer, [
      { subnet: A, index: 0 },
      { subnet: B, index: 1 },
    ]);
    assert.deepEqual(
      [read.sent, read.received],
      [
        { packets: 3, bytes: 150 },
        { packets: 1, bytes: 2 ** 40 },
      ],
    );
    assert.deepEqual(read.peers[0], {
      subnet: A,
      sent: { packets: 1, bytes: 100 },
      received: { packets: 0, bytes: 0 },
      refused: 0,
    });
    assert.deepEqual(read.peers[1]?.received, { packets: 1, bytes: 2 ** 40 });
    assert.equal(read.drops.ttl, 3);
    assert.equal(
      Object.values(read.drops).reduce((sum, one) => sum + one),
      3,
    );
    clearPeer(buffer, 1);
    assert.deepEqual(readCounters(buffer, [{ subnet: B, index: 1 }]).peers[0]?.sent, { packets: 0, bytes: 0 });
    assert.equal(readCounters(buffer, [{ subnet: A, index: 0 }]).peers[0]?.sent.packets, 1);
  });

  it('keeps a subnet’s index while it is in the table and gives a free one to a new subnet', () => {
    const index = createPeerIndex();
    const taken: number[] = [];
    const update = (...subnets: (typeof A)[]) => index.update(subnets.map(forward), (i) => taken.push(i));
    update(A, B);
    assert.deepEqual([index.of(A), index.of(B)], [0, 1]);
    update(B);
    update(C, B);
    assert.deepEqual([index.of(C), index.of(B)], [0, 1]);
    assert.deepEqual(taken, [0, 1, 0]);
  });
});

describe('forwarder/limiter', () => {
  it('lets a burst through, then so many a second', () => {
    const allowed = createLimiter(10, 3);
    assert.deepEqual([0, 0, 0, 0].map(allowed), [true, true, true, false]);
    assert.deepEqual([50, 100, 150].map(allowed), [false, true, false]);
    assert.equal(Array.from({ length: 9 }, () => allowed(60_000)).filter(Boolean).length, 3);
  });
});
