import { addressOf, BATCH, BUFFER, type Context, createSpans, isGone } from './context.ts';
import { TIME_EXCEEDED } from './icmp.ts';
import { judgeInbound } from './judge.ts';
import { createMessages } from './messages.ts';
import { DROP, type Span, sourceOf } from './packet.ts';
import { lookup } from './table.ts';

const MSG_DONTWAIT = 0x40;
const TTL = DROP.ttl;
const WRITE_FAILED = DROP['write-failed'];

/**
 * From the peers to the device: receives a batch by one system call, judges each datagram, writes what may pass. Returns whether the device
 * is still there.
 */
export function createInbound(context: Context): () => boolean {
  const { io, memory, table, counters, answers, job } = context;
  const spans = createSpans(memory);
  const messages = createMessages(memory, BATCH);
  spans.forEach((span, i) => {
    messages.setData(i, span.at, BUFFER);
  });

  function refuse(span: Span, reason: number): void {
    counters.dropped(reason, 1);
    if (reason !== TTL) return;
    const row = lookup(table, sourceOf(span));
    answers.toPeer(span, TIME_EXCEEDED, table.hop[row]!, table.port[row]!);
  }

  /** Writes the packet into the device. A device that is down refuses (EIO): that passes. */
  function deliver(span: Span, row: number): boolean {
    if (io.write(job.fds.tun, addressOf(memory, span), span.length) === span.length) {
      counters.received(table.peer[row]!, 1, span.length);
      return true;
    }
    const errno = io.errno();
    counters.dropped(WRITE_FAILED, 1);
    return !isGone(errno);
  }

  return () => {
    const count = io.recvmmsg(job.fds.udp, messages.addressOf(0), BATCH, MSG_DONTWAIT, 0);
    let alive = true;
    for (let i = 0; i < count; i++) {
      const span = spans[i]!;
      span.length = messages.lengthOf(i);
      const row = judgeInbound(span, messages.peerOf(i), job.self, table);
      if (row < 0) refuse(span, row);
      else alive = deliver(span, row) && alive;
    }
    return alive;
  };
}
