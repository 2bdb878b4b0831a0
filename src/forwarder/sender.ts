import { constants } from 'node:os';
import { BATCH, type Context } from './context.ts';
import { createMessages } from './messages.ts';
import { createOversize } from './oversize.ts';
import { DROP, type Span } from './packet.ts';

const { EAGAIN, EMSGSIZE } = constants.errno;
const MSG_DONTWAIT = 0x40;
const POLLOUT = 4;
/** How long a full socket may hold up a batch, in waits of a few milliseconds; then the rest of the batch is dropped. */
const WAIT_MS = 5;
const WAITS = 4;
const SEND_FAILED = DROP['send-failed'];

/** Sends packets to the peers of their table rows, a batch by one system call. */
export interface Sender {
  /** Takes the packet (as it lies) into the batch: at most BATCH. */
  push(span: Span, row: number): void;
  /** Sends the batch. What cannot be sent is counted, and answered where its sender can do something about it. */
  flush(): void;
}

export function createSender(context: Context): Sender {
  const { io, memory, table, counters, job } = context;
  const messages = createMessages(memory, BATCH);
  const oversize = createOversize(context);
  const spans: Span[] = [];
  const rows = new Int32Array(BATCH);
  const pollfd = memory.reserve(8);
  memory.view.setInt32(pollfd, job.fds.udp, true);
  memory.view.setInt16(pollfd + 4, POLLOUT, true);
  let count = 0;
  let waits = 0;

  function countSent(from: number, sent: number): void {
    for (let i = from; i < from + sent; i++) counters.sent(table.peer[rows[i]!]!, 1, spans[i]!.length);
  }

  /** Deals with message `i`, which the kernel refused; returns how many messages are settled by that. */
  function refused(i: number, errno: number): number {
    if (errno === EAGAIN) {
      if (waits++ < WAITS && io.poll(memory.base + pollfd, 1, WAIT_MS) > 0) return 0;
      counters.dropped(SEND_FAILED, count - i);
      return count - i;
    }
    if (errno === EMSGSIZE) oversize(spans[i]!, rows[i]!, messages.addressOf(i));
    else counters.dropped(SEND_FAILED, 1);
    return 1;
  }

  return {
    push(span, row) {
      messages.setData(count, span.at, span.length);
      messages.setPeer(count, table.hop[row]!, table.port[row]!);
      spans[count] = span;
      rows[count] = row;
      count += 1;
    },
    flush() {
      waits = 0;
      for (let i = 0; i < count; ) {
        const sent = io.sendmmsg(job.fds.udp, messages.addressOf(i), count - i, MSG_DONTWAIT);
        if (sent > 0) countSent(i, sent);
        i += sent > 0 ? sent : refused(i, io.errno());
      }
      count = 0;
    },
  };
}
