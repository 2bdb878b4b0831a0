import { constants } from 'node:os';
import type { Context } from './context.ts';
import { createOversize } from './oversize.ts';
import { DROP } from './packet.ts';
import { createDatagram, createQueue, type Datagram, type Queue } from './queue.ts';

const { EAGAIN, EIO, EMSGSIZE } = constants.errno;
const MSG_DONTWAIT = 0x40;
const POLLOUT = 4;
/** How long a full socket may hold up a batch, in waits of a few milliseconds; then the rest of the batch is dropped. */
const WAIT_MS = 5;
const WAITS = 4;
const SEND_FAILED = DROP['send-failed'];

/** Datagrams sent by one batch at most. */
const CAPACITY = 2048;
/** IPv4 and TCP with all options: 60 bytes each. */
const HEADERS = 128;

/** Sends datagrams to the peers of their table rows, a batch by one system call. */
export interface Sender {
  /** Offset of HEADERS bytes for the headers of the next datagram; good until the next `flush`. Sends what waits if there is no room. */
  room(): number;
  /** Takes the datagram, whose bytes must stay as they are until `flush`. */
  push(row: number, datagram: Datagram): void;
  /** Sends all. What cannot be sent is counted, and answered where its sender can do something about it. */
  flush(): void;
}

/** Waits a moment until the socket takes more; false if it does not. */
function createWaiter({ io, memory, job }: Context): () => boolean {
  const pollfd = memory.reserve(8);
  memory.view.setInt32(pollfd, job.fds.udp, true);
  memory.view.setInt16(pollfd + 4, POLLOUT, true);
  return () => io.poll(memory.base + pollfd, 1, WAIT_MS) > 0;
}

/** Sends the datagrams of a message one by one: the kernel would not cut it, or one of them is too big. */
function createSingles(context: Context, queue: Queue): (m: number) => void {
  const { io, table, counters, job } = context;
  const oversize = createOversize(context);
  const datagram = createDatagram();
  return (m) => {
    const row = queue.rowOf(m);
    for (let i = 0; i < queue.datagramsOf(m); i++) {
      const message = queue.single(m, i, datagram);
      if (io.sendmmsg(job.fds.udp, message, 1, MSG_DONTWAIT) === 1)
        counters.sent(table.peer[row]!, 1, datagram.headLength + datagram.restLength);
      else if (io.errno() === EMSGSIZE) oversize(datagram, row, message);
      else counters.dropped(SEND_FAILED, 1);
    }
  };
}

export function createSender(context: Context): Sender {
  const { io, memory, table, counters, job } = context;
  const queue = createQueue(memory, CAPACITY, table);
  const headers = memory.reserve(CAPACITY * HEADERS);
  const hasRoom = createWaiter(context);
  const sendSingly = createSingles(context, queue);
  let join = job.offloads.segment;
  let used = 0;
  let waits = 0;

  /** Deals with message `m`, which the kernel refused; returns the next one to send. */
  function refused(m: number, errno: number): number {
    if (errno === EAGAIN) {
      if (waits++ < WAITS && hasRoom()) return m;
      for (let i = m; i < queue.count(); i++) counters.dropped(SEND_FAILED, queue.datagramsOf(i));
      return queue.count();
    }
    // The way out cannot finish UDP checksums: then the kernel does not cut either (before Linux 6.2).
    if (errno === EIO) join = false;
    if (errno === EMSGSIZE || queue.datagramsOf(m) > 1) sendSingly(m);
    else counters.dropped(SEND_FAILED, 1);
    return m + 1;
  }

  function flush(): void {
    waits = 0;
    for (let m = 0; m < queue.count(); ) {
      const done = io.sendmmsg(job.fds.udp, queue.addressOf(m), queue.count() - m, MSG_DONTWAIT);
      const end = done > 0 ? m + done : refused(m, io.errno());
      for (; done > 0 && m < end; m++)
        counters.sent(table.peer[queue.rowOf(m)]!, queue.datagramsOf(m), queue.bytesOf(m));
      m = end;
    }
    queue.clear();
    used = 0;
  }

  return {
    room() {
      if (queue.isFull() || used === CAPACITY) flush();
      return headers + HEADERS * used++;
    },
    push(row, datagram) {
      if (queue.isFull()) flush();
      queue.push(row, datagram, join);
    },
    flush,
  };
}
