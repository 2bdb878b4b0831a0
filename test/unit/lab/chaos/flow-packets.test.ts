import assert from 'node:assert/strict';
import { createInbox, writePacket } from '../../../../src/lab/chaos/flow-packets.ts';
import type { Arrived } from '../../../../src/lab/chaos/flow-wire.ts';

describe('what came at one end of the flows', () => {
  const packet = (seq: number) => writePacket({ from: 1, to: 2, ip: '10.0.0.2', seq, at: seq });
  const owners = new Map([
    ['10.0.0.1', 1],
    ['10.0.0.2', 2],
    ['10.0.0.3', 3],
  ]);

  it('tells what is missing, and between which', () => {
    const inbox = createInbox(2);
    for (const seq of [0, 1, 4, 5]) inbox.take(packet(seq));
    const { received, holes } = inbox.collect({ 1: [0, 6] }, owners)[1] ?? {};
    assert.deepEqual({ received, holes }, { received: 4, holes: [{ from: 1, to: 4, count: 2 }] });
  });

  it('tells what was meant for another, and what for another that had its address before', () => {
    const inbox = createInbox(2);
    for (const [seq, ip] of ['10.0.0.2', '10.0.0.2', '10.0.0.3', '10.0.0.9'].entries())
      inbox.take(writePacket({ from: 1, to: 3, ip, seq, at: seq }));
    const told = ({ strayed, overtaken }: Partial<Arrived> = {}) => ({ strayed, overtaken });
    assert.deepEqual(told(inbox.collect({ 1: [0, 0] }, owners)[1]), { strayed: 2, overtaken: 2 });
    const both = new Map([['10.0.0.2', 3]]);
    assert.deepEqual(told(inbox.collect({ 1: [0, 0] }, both)[1]), { strayed: 4, overtaken: 0 });
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
