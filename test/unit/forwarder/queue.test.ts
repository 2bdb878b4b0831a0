import assert from 'node:assert/strict';
import { createDatagram, createQueue, type Datagram } from '../../../src/forwarder/queue.ts';
import { createTable } from '../../../src/forwarder/table.ts';
import { createMemory } from '../../../src/sys/memory.ts';

/** A datagram of some length that lies in two pieces. */
const datagram = (length: number): Datagram => ({
  headAt: 1000,
  headLength: 20,
  restAt: 2000,
  restLength: length - 20,
});

function queueOf(capacity = 300) {
  const queue = createQueue(createMemory(1 << 20), capacity, createTable());
  return {
    queue,
    push: (row: number, ...lengths: number[]) => {
      for (const length of lengths) queue.push(row, datagram(length), true);
    },
    shape: () =>
      Array.from({ length: queue.count() }, (_, m) => [queue.rowOf(m), queue.datagramsOf(m), queue.bytesOf(m)]),
  };
}

describe('forwarder/queue', () => {
  it('joins datagrams of one length to one peer; a shorter one ends the message', () => {
    const { push, shape } = queueOf();
    push(0, 100, 100, 100, 40, 40, 100);
    push(1, 100, 100);
    push(0, 100, 101);
    assert.deepEqual(shape(), [
      [0, 4, 340],
      [0, 1, 40],
      [0, 1, 100],
      [1, 2, 200],
      [0, 1, 100],
      [0, 1, 101],
    ]);
  });

  it('joins no more than the kernel cuts: 64 datagrams, 65,507 bytes', () => {
    const small = queueOf();
    small.push(0, ...new Array<number>(130).fill(60));
    assert.deepEqual(small.shape(), [
      [0, 64, 3840],
      [0, 64, 3840],
      [0, 2, 120],
    ]);
    const large = queueOf();
    large.push(0, ...new Array<number>(45).fill(1472));
    assert.deepEqual(large.shape(), [
      [0, 44, 64_768],
      [0, 1, 1472],
    ]);
  });

  it('joins nothing when told so', () => {
    const { queue, shape } = queueOf();
    queue.push(0, datagram(100), false);
    queue.push(0, datagram(100), false);
    assert.equal(shape().length, 2);
  });

  it('tells each datagram alone, and is empty when cleared', () => {
    const { queue, push, shape } = queueOf(3);
    push(0, 100);
    push(1, 90);
    assert.equal(queue.isFull(), false);
    push(1, 80);
    assert.equal(queue.isFull(), true);
    const into = createDatagram();
    queue.single(1, 1, into);
    assert.deepEqual(into, datagram(80));
    queue.clear();
    assert.deepEqual([queue.isFull(), shape()], [false, []]);
  });
});
