import assert from 'node:assert/strict';
import { createInbox, writePacket } from '../../../../src/lab/chaos/flow-packets.ts';

describe('what came at one end of the flows', () => {
  const packet = (seq: number) => writePacket({ from: 1, to: 2, seq, at: seq });

  it('tells what is missing, and between which', () => {
    const inbox = createInbox(2);
    for (const seq of [0, 1, 4, 5]) inbox.take(packet(seq));
    const { received, holes } = inbox.collect({ 1: [0, 6] })[1] ?? {};
    assert.deepEqual({ received, holes }, { received: 4, holes: [{ from: 1, to: 4, count: 2 }] });
  });

  it('is past a range when something later has come: before that, packets may wait in the socket', () => {
    const inbox = createInbox(2);
    inbox.take(packet(8));
    assert.equal(inbox.isPast({ 1: [0, 9] }), false);
    inbox.take(packet(9));
    assert.equal(inbox.isPast({ 1: [0, 9] }), true);
    assert.equal(inbox.isPast({ 1: [0, 9], 3: [0, 9] }), false);
  });
});
