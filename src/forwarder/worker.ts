import { constants } from 'node:os';
import { accelerate } from '../model/checksum.ts';
import { errnoText } from '../sys/libc.ts';
import { createMemory } from '../sys/memory.ts';
import { loadPacketIo } from '../sys/packet-io.ts';
import { createAnswers } from './answer.ts';
import { type Context, MEMORY } from './context.ts';
import { countInto } from './counters.ts';
import { createInbound } from './inbound.ts';
import type { Job } from './job.ts';
import { createOutbound } from './outbound.ts';
import { createTable, tableReader } from './table.ts';

const POLLIN = 1;
const POLLNVAL = 32;
const POLLFD = 8;
/** `worker.terminate()` waits for the poll to return: never longer than this. */
const POLL_MS = 1000;

/** Waits for something to do (-1 with errno: the call failed); then `events(i)` is what poll said of the i-th descriptor. */
function createPoller({ io, memory }: Context, fds: readonly number[]) {
  const at = memory.reserve(fds.length * POLLFD);
  fds.forEach((fd, i) => {
    memory.view.setInt32(at + i * POLLFD, fd, true);
    memory.view.setInt16(at + i * POLLFD + 4, POLLIN, true);
  });
  return {
    wait: (): number => io.poll(memory.base + at, fds.length, POLL_MS),
    events: (i: number): number => memory.view.getInt16(at + i * POLLFD + 6, true),
  };
}

function createContext(job: Job): Context {
  const io = loadPacketIo();
  const memory = createMemory(MEMORY);
  accelerate(memory.view, memory.wasm);
  const table = createTable();
  return { job, io, memory, table, counters: countInto(job.counters), answers: createAnswers(job, io, memory) };
}

/** Prepares everything; the function it returns moves packets until it is told to stop or cannot go on, and says why. */
export function prepareWorker(job: Job): () => string {
  const context = createContext(job);
  const refresh = tableReader(job.table, context.table);
  const outbound = createOutbound(context);
  const inbound = createInbound(context);
  const poller = createPoller(context, [job.fds.wake, job.fds.tun, job.fds.udp]);
  return () => {
    for (;;) {
      if (poller.wait() < 0) {
        const errno = context.io.errno();
        if (errno === constants.errno.EINTR) continue;
        return `poll: ${errnoText(errno)}`;
      }
      if (poller.events(0) !== 0) return 'stopped';
      refresh();
      // The kernel says POLLERR when the device was deleted.
      if ((poller.events(1) & ~POLLIN) !== 0) return 'the device is gone';
      if (poller.events(1) !== 0 && !outbound()) return 'the device is gone';
      if ((poller.events(2) & POLLNVAL) !== 0) return 'the socket is closed';
      if (poller.events(2) !== 0 && !inbound()) return 'the device is gone';
    }
  };
}
