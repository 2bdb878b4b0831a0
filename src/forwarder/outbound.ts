import { constants } from 'node:os';
import { addressOf, BATCH, BUFFER, type Context, createSpans } from './context.ts';
import { NET_UNREACHABLE, TIME_EXCEEDED } from './icmp.ts';
import { judgeOutbound } from './judge.ts';
import { DROP, type Span } from './packet.ts';
import { createDatagram } from './queue.ts';
import { createCut, finishChecksum, payloadLength, planCut, writeSegmentHeader } from './segment.ts';
import { createSender, type Sender } from './sender.ts';
import { createVnet, GSO_NONE, NEEDS_CHECKSUM, readVnet, VNET_HEADER } from './vnet.ts';

const NO_ROUTE = DROP['no-route'];
const TRUNCATED = DROP.truncated;
const TTL = DROP.ttl;

/** A batch of super-packets would keep the other direction waiting for milliseconds: it ends after so many bytes. */
const BATCH_BYTES = 512 << 10;

/** Finishes what the kernel left undone on a packet and hands it on as one or more datagrams; false where it is not what it says. */
function createFinisher(sender: Sender): (span: Span, row: number) => boolean {
  const vnet = createVnet();
  const cut = createCut();
  const datagram = createDatagram();

  function pushWhole(span: Span, row: number): void {
    datagram.headAt = span.at;
    datagram.headLength = span.length;
    datagram.restAt = 0;
    datagram.restLength = 0;
    sender.push(row, datagram);
  }

  function pushSegments(span: Span, row: number): void {
    for (let i = 0; i < cut.count; i++) {
      const at = sender.room();
      writeSegmentHeader(span, cut, i, at);
      datagram.headAt = at;
      datagram.headLength = cut.headers;
      datagram.restAt = span.at + cut.headers + i * cut.size;
      datagram.restLength = payloadLength(span, cut, i);
      sender.push(row, datagram);
    }
  }

  return (span, row) => {
    readVnet(span.view, span.at - VNET_HEADER, vnet);
    if (vnet.gso !== GSO_NONE) {
      if (!planCut(span, vnet, cut)) return false;
      pushSegments(span, row);
      return true;
    }
    if ((vnet.flags & NEEDS_CHECKSUM) !== 0 && !finishChecksum(span, vnet)) return false;
    pushWhole(span, row);
    return true;
  };
}

/**
 * From the device to the peers: reads a batch, judges each packet, finishes and cuts what passes, sends it all by one system call.
 * Returns whether the device is still there.
 */
export function createOutbound(context: Context): () => boolean {
  const { io, memory, table, counters, answers, job } = context;
  const spans = createSpans(memory, BATCH);
  const sender = createSender(context);
  const finish = createFinisher(sender);

  function refuse(span: Span, reason: number): void {
    counters.dropped(reason, 1);
    // Before the first table nobody can say what is unreachable: connections would be refused while the daemon starts.
    const answered = reason === TTL || (reason === NO_ROUTE && table.generation > 0);
    if (answered && answers.allowed()) answers.toHost(span, reason === TTL ? TIME_EXCEEDED : NET_UNREACHABLE);
  }

  function forward(span: Span): void {
    const row = judgeOutbound(span, job.self, table);
    if (row < 0) refuse(span, row);
    else if (!finish(span, row)) refuse(span, TRUNCATED);
  }

  function readBatch(): boolean {
    let bytes = 0;
    for (let i = 0; i < BATCH && bytes < BATCH_BYTES; i++) {
      const span = spans[i]!;
      const length = io.read(job.fds.tun, addressOf(memory, span) - VNET_HEADER, VNET_HEADER + BUFFER);
      if (length < 0) return io.errno() === constants.errno.EAGAIN;
      span.length = Math.max(0, length - VNET_HEADER);
      bytes += span.length;
      forward(span);
    }
    return true;
  }

  return () => {
    const alive = readBatch();
    sender.flush();
    return alive;
  };
}
