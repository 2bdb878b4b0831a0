import { createIovecs, createMessages } from '../sys/messages.ts';
import type { DatagramJob, UdpSendJob, Work } from './job.ts';
import { createSockets, type Sockets } from './sockets.ts';

const MESSAGES = 64;
const MSG_WAITFORONE = 0x10000;
/** A receiver that nobody stops ends so long after its time. */
const GRACE_MS = 5000;
/** How often a sender wakes to send what has become due: at 100,000 a second that is twenty datagrams. */
const TICK_MS = 0.2;
/** What has become due longer ago than this is not sent any more: a machine that was busy elsewhere must not answer with a burst. */
const BACKLOG_MS = 5;

/** Messages that all lie in the same `size` bytes: what is in them does not matter. */
function createBatch({ memory }: Sockets, size: number): { readonly address: number } {
  const iovecs = createIovecs(memory, 1);
  iovecs.set(0, memory.reserve(size), size);
  const messages = createMessages(memory, MESSAGES, iovecs);
  for (let i = 0; i < MESSAGES; i++) {
    messages.setIovecs(i, 0, 1);
    // The socket is connected.
    messages.setNoPeer(i);
  }
  return { address: messages.addressOf(0) };
}

/** Bytes of memory a batch takes. */
const batchBytes = (size: number): number => size + MESSAGES * 128 + 1024;

/** Sends at the rate for its time, spread evenly. */
export function prepareUdpSend({ fd, size, rate, ms }: UdpSendJob): Work<'udp-send'> {
  const sockets = createSockets(batchBytes(size));
  const { address } = createBatch(sockets, size);
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const perMs = rate / 1000;
  return (isStopped) => {
    const start = performance.now();
    let [sent, forgone, now] = [0, 0, start];
    for (; now - start < ms && !isStopped(); now = performance.now()) {
      const due = Math.floor((now - start) * perMs) - sent - forgone;
      forgone += Math.max(0, due - Math.ceil(BACKLOG_MS * perMs));
      if (due <= 0) Atomics.wait(nap, 0, 0, TICK_MS);
      else sent += Math.max(0, sockets.io.sendmmsg(fd, address, Math.min(due, MESSAGES), 0));
    }
    return { sent, ms: now - start };
  };
}

/** Counts what comes until it is told to stop and nothing more comes. */
export function prepareUdpReceive({ fd, ms }: DatagramJob<'udp-receive'>): Work<'udp-receive'> {
  const size = 65_536;
  const sockets = createSockets(batchBytes(size));
  const { address } = createBatch(sockets, size);
  return (isStopped) => {
    const end = performance.now() + ms + GRACE_MS;
    const before = sockets.overflowed(fd);
    let received = 0;
    while (performance.now() < end) {
      const count = sockets.io.recvmmsg(fd, address, MESSAGES, MSG_WAITFORONE, 0);
      if (count > 0) received += count;
      else if (isStopped()) break;
    }
    return { received, overflowed: sockets.overflowed(fd) - before };
  };
}
