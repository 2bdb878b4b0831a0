import { createIovecs, createMessages } from '../sys/messages.ts';
import { BUFFER, type Context, createSpans } from './context.ts';
import { createDelivery } from './deliver.ts';
import { TIME_EXCEEDED } from './icmp.ts';
import { judgeInbound, misusedRow } from './judge.ts';
import { DROP, type Span, sourceOf } from './packet.ts';
import { lookup } from './table.ts';

const MSG_DONTWAIT = 0x40;
const TTL = DROP.ttl;

/**
 * Messages received by one system call: as many as make a TCP super-packet or two. Where the kernel joins datagrams already, fewer are as
 * much, and more would only wear out the caches.
 */
const BATCH = 128;
const JOINED_BATCH = 16;

/** Receives a batch of datagrams and gives each to `take`, with the address it came from. */
function createReceiver({ io, memory, job }: Context, take: (span: Span, outer: number) => void): () => void {
  const spans = createSpans(memory, BATCH);
  const iovecs = createIovecs(memory, BATCH);
  const messages = createMessages(memory, BATCH, iovecs);
  spans.forEach((span, i) => {
    iovecs.set(i, span.at, BUFFER);
    messages.setIovecs(i, i, 1);
  });
  let wanted = BATCH;
  const one: Span = { bytes: memory.bytes, view: memory.view, at: 0, length: 0 };

  function takeMessage(i: number): void {
    const length = messages.lengthOf(i);
    const joined = messages.segmentSizeOf(i);
    const size = joined || length;
    if (joined > 0) wanted = JOINED_BATCH;
    const outer = messages.peerOf(i);
    const { at } = spans[i]!;
    // An empty datagram is one, too.
    for (let done = 0; done < length || done === 0; done += size || 1) {
      one.at = at + done;
      one.length = Math.min(size, length - done);
      take(one, outer);
    }
  }

  return () => {
    for (let i = 0; i < wanted; i++) messages.expectControl(i);
    const count = io.recvmmsg(job.fds.udp, messages.addressOf(0), wanted, MSG_DONTWAIT, 0);
    wanted = BATCH;
    for (let i = 0; i < count; i++) takeMessage(i);
  };
}

/**
 * From the peers to the device: receives a batch by one system call, judges each datagram, writes what may pass. Returns whether the
 * device is still there.
 */
export function createInbound(context: Context): () => boolean {
  const { table, counters, answers, job } = context;
  const delivery = createDelivery(context);

  function refuse(span: Span, reason: number, outer: number): void {
    counters.dropped(reason, 1);
    const misused = misusedRow(span, reason, job.self, table);
    if (misused >= 0) counters.refused(table.peer[misused]!, outer);
    const row = reason === TTL ? lookup(table, sourceOf(span)) : -1;
    if (row >= 0 && answers.allowed()) answers.toPeer(span, TIME_EXCEEDED, table.hop[row]!, table.port[row]!);
  }

  const receive = createReceiver(context, (span, outer) => {
    const row = judgeInbound(span, outer, job.self, table);
    if (row < 0) refuse(span, row, outer);
    else delivery.take(span, row);
  });
  return () => {
    receive();
    return delivery.flush();
  };
}
