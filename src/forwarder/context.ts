import type { Memory } from '../sys/memory.ts';
import type { PacketIo } from '../sys/packet-io.ts';
import type { Answers } from './answer.ts';
import type { Counters } from './counters.ts';
import type { Job } from './job.ts';
import type { Span } from './packet.ts';
import type { Table } from './table.ts';

/** What the parts of the worker share. */
export interface Context {
  readonly job: Job;
  readonly io: PacketIo;
  readonly memory: Memory;
  readonly table: Table;
  readonly counters: Counters;
  readonly answers: Answers;
}

/** Packets moved from one side before the other gets its turn. */
export const BATCH = 64;
/** A datagram's payload, or a packet from the device, is shorter than this. */
export const BUFFER = 65_536;
/** Room before a packet for the device's header, and so that packets lie aligned. */
const HEADROOM = 16;
/** What small packets take of their buffers: were these 64 KB apart, all would fall into the same few sets of the processor's caches. */
const STAGGER = 1536;
/** Memory of a worker: buffers for both directions (13 MB, most of it never touched), headers and messages (1 MB). */
export const MEMORY = 15 << 20;

/** Buffers for `count` packets. */
export const createSpans = (memory: Memory, count: number): readonly Span[] =>
  Array.from({ length: count }, () => {
    const at = memory.reserve(HEADROOM + BUFFER + STAGGER) + HEADROOM;
    return { bytes: memory.bytes, view: memory.view, at, length: 0 };
  });

/** Address of the span's first byte, for a system call. */
export const addressOf = (memory: Memory, span: Span): number => memory.base + span.at;

const EBADF = 9;
const EBADFD = 77;

/** errno of reading or writing a TUN whose device is not there any more. */
export const isGone = (errno: number): boolean => errno === EBADFD || errno === EBADF;
