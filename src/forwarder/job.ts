import type { Self } from './judge.ts';
import type { Descriptors } from './open.ts';

/** What the daemon's thread hands to the worker: plain values, and memory that both see. */
export interface Job {
  readonly fds: Descriptors;
  readonly self: Self;
  /** Address the UDP socket is bound to. */
  readonly local: number;
  readonly table: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
}
