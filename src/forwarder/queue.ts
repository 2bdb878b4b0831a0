import type { Memory } from '../sys/memory.ts';
import { createIovecs, createMessages } from '../sys/messages.ts';
import type { Table } from './table.ts';

/** Where a datagram's bytes lie: its head (headers, or all of it), and the rest where that lies elsewhere (else of length 0). */
export interface Datagram {
  headAt: number;
  headLength: number;
  restAt: number;
  restLength: number;
}

export const createDatagram = (): Datagram => ({ headAt: 0, headLength: 0, restAt: 0, restLength: 0 });

/** Datagrams in the order they are to be sent. Those of one length to one peer are joined into a message that the kernel cuts again. */
export interface Queue {
  /** Messages in it: numbered from 0. */
  count(): number;
  isFull(): boolean;
  /** Adds a datagram for the peer of this table row; the queue must not be full. */
  push(row: number, datagram: Datagram, join: boolean): void;
  /** Address of message `m` and those after it, for sendmmsg. */
  addressOf(m: number): number;
  rowOf(m: number): number;
  /** Datagrams of message `m`, and their bytes. */
  datagramsOf(m: number): number;
  bytesOf(m: number): number;
  /** Tells where the i-th datagram of message `m` lies, and returns the address of a message of that alone. */
  single(m: number, i: number, into: Datagram): number;
  clear(): void;
}

/** The kernel cuts a message into 64 datagrams at most (UDP_MAX_SEGMENTS, until Linux 6.9), all together within one IPv4 packet. */
const MAX_DATAGRAMS = 64;
const MAX_BYTES = 65_535 - 28;

/** What is known of each message. */
function createLists(capacity: number) {
  const list = () => new Int32Array(capacity);
  return {
    row: list(),
    /** Its first datagram, how many there are, and their bytes. */
    first: list(),
    datagrams: list(),
    bytes: list(),
    /** Length of each datagram but the last, which may be shorter: then nothing can follow. */
    size: list(),
    last: list(),
  };
}

/** Whether a datagram of this length to this row's peer may be added to message `m`. */
function joins(lists: ReturnType<typeof createLists>, m: number, row: number, length: number): boolean {
  return (
    m >= 0 &&
    lists.row[m] === row &&
    lists.last[m] === lists.size[m] &&
    length <= lists.size[m]! &&
    lists.datagrams[m]! < MAX_DATAGRAMS &&
    lists.bytes[m]! + length <= MAX_BYTES
  );
}

/** Datagrams by number, each as two iovecs: of an empty one the kernel takes no notice. */
function createPlaces(memory: Memory, capacity: number) {
  const iovecs = createIovecs(memory, 2 * capacity);
  const places = new Int32Array(4 * capacity);
  function set(d: number, { headAt, headLength, restAt, restLength }: Datagram): void {
    places[4 * d] = headAt;
    places[4 * d + 1] = headLength;
    places[4 * d + 2] = restAt;
    places[4 * d + 3] = restLength;
    iovecs.set(2 * d, headAt, headLength);
    iovecs.set(2 * d + 1, restAt, restLength);
  }
  function get(d: number, into: Datagram): void {
    into.headAt = places[4 * d]!;
    into.headLength = places[4 * d + 1]!;
    into.restAt = places[4 * d + 2]!;
    into.restLength = places[4 * d + 3]!;
  }
  return { iovecs, set, get };
}

/** A queue for `capacity` datagrams. */
export function createQueue(memory: Memory, capacity: number, table: Table): Queue {
  const places = createPlaces(memory, capacity);
  const messages = createMessages(memory, capacity + 1, places.iovecs);
  const lists = createLists(capacity);
  let count = 0;
  let datagrams = 0;

  function open(m: number, row: number, length: number): void {
    lists.row[m] = row;
    lists.first[m] = datagrams;
    lists.datagrams[m] = 0;
    lists.bytes[m] = 0;
    lists.size[m] = length;
    messages.setPeer(m, table.hop[row]!, table.port[row]!);
    messages.setSegmentSize(m, 0);
  }

  function push(row: number, datagram: Datagram, join: boolean): void {
    const length = datagram.headLength + datagram.restLength;
    if (!join || !joins(lists, count - 1, row, length)) open(count++, row, length);
    const m = count - 1;
    places.set(datagrams++, datagram);
    lists.datagrams[m]! += 1;
    lists.bytes[m]! += length;
    lists.last[m] = length;
    messages.setIovecs(m, 2 * lists.first[m]!, 2 * lists.datagrams[m]!);
    if (lists.datagrams[m] === 2) messages.setSegmentSize(m, lists.size[m]!);
  }

  function single(m: number, i: number, into: Datagram): number {
    const row = lists.row[m]!;
    places.get(lists.first[m]! + i, into);
    messages.setPeer(capacity, table.hop[row]!, table.port[row]!);
    messages.setIovecs(capacity, 2 * (lists.first[m]! + i), 2);
    return messages.addressOf(capacity);
  }

  return {
    count: () => count,
    isFull: () => datagrams === capacity,
    push,
    addressOf: messages.addressOf,
    rowOf: (m) => lists.row[m]!,
    datagramsOf: (m) => lists.datagrams[m]!,
    bytesOf: (m) => lists.bytes[m]!,
    single,
    clear() {
      count = 0;
      datagrams = 0;
    },
  };
}
