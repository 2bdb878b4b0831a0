import { constants } from 'node:os';
import { addressOf, BATCH, BUFFER, type Context, createSpans } from './context.ts';
import { NET_UNREACHABLE, TIME_EXCEEDED } from './icmp.ts';
import { judgeOutbound } from './judge.ts';
import { DROP, type Span } from './packet.ts';
import { createSender } from './sender.ts';

const NO_ROUTE = DROP['no-route'];
const TTL = DROP.ttl;

/**
 * From the device to the peers: reads a batch, judges each packet, sends what is left by one system call. Returns whether the device is
 * still there.
 */
export function createOutbound(context: Context): () => boolean {
  const { io, memory, table, counters, answers, job } = context;
  const spans = createSpans(memory);
  const sender = createSender(context);

  function refuse(span: Span, reason: number): void {
    counters.dropped(reason, 1);
    if (reason === TTL) answers.toHost(span, TIME_EXCEEDED);
    // Before the first table nobody can say what is unreachable: connections would be refused while the daemon starts.
    if (reason === NO_ROUTE && table.generation > 0) answers.toHost(span, NET_UNREACHABLE);
  }

  function readBatch(): boolean {
    for (let i = 0; i < BATCH; i++) {
      const span = spans[i]!;
      span.length = io.read(job.fds.tun, addressOf(memory, span), BUFFER);
      if (span.length < 0) return io.errno() === constants.errno.EAGAIN;
      const row = judgeOutbound(span, job.self, table);
      if (row < 0) refuse(span, row);
      else sender.push(span, row);
    }
    return true;
  }

  return () => {
    const alive = readBatch();
    sender.flush();
    return alive;
  };
}
