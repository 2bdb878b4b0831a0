import type { Clock } from '../model/clock.ts';
import type { KeyValue, Kv, WatchEvent, WatchFrame, WatchStream } from './kv.ts';

/**
 * Follows all keys under a prefix without losing or repeating an event, whatever happens to the connection. The position is the
 * revision after the last event applied, never the header of an answer (the etcd3 package takes that, and loses what was in between).
 * After compaction, or when the store went back in time (restored, wiped), a fresh snapshot is handed up instead of events.
 */
export interface WatcherOptions {
  readonly clock: Clock;
  /** In [0, 1): jitter of the back-off. */
  readonly random: () => number;
  /** Where a snapshot that is known already was taken: events follow it, and no list is made first. */
  readonly after?: { readonly revision: bigint; readonly clusterId: bigint };
  /** The complete state at one revision: first (without `after`), and again whenever events were missed. */
  readonly onSnapshot: (kvs: readonly KeyValue[], revision: bigint) => void;
  /** Events of one or more whole revisions, in order. */
  readonly onEvents: (events: readonly WatchEvent[]) => void;
  readonly onState: (state: WatchState) => void;
}

/** `connected`: what is shown is what etcd has. */
export type WatchState = { readonly connected: true } | { readonly connected: false; readonly error: string };

export interface Watcher {
  /** Resolves with the first snapshot or, with `after`, the first proof that etcd answers; never rejects. */
  readonly ready: Promise<void>;
  close(): void;
}

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 2_000;

interface State {
  readonly kv: Kv;
  readonly prefix: string;
  readonly options: WatcherOptions;
  /** Revision of the next event; `undefined`: list first. */
  next: bigint | undefined;
  clusterId: bigint;
  backoffMs: number;
  stream: WatchStream | undefined;
  closed: boolean;
  cancelTimer: (() => void) | undefined;
  first: () => void;
}

async function list(state: State): Promise<void> {
  const { kvs, revision, clusterId } = await state.kv.range(state.prefix);
  if (state.closed) return;
  state.next = revision + 1n;
  state.clusterId = clusterId;
  state.options.onSnapshot(kvs, revision);
}

/** A cheap linearizable read before each stream: proves quorum, and renews the login, which streams never do. */
async function prove(state: State): Promise<void> {
  const { revision, clusterId } = await state.kv.range(state.prefix, { limit: 1, keysOnly: true });
  if (clusterId !== state.clusterId || (state.next !== undefined && revision + 1n < state.next)) state.next = undefined;
}

const revisionOf = (event: WatchEvent): bigint => (event.type === 'put' ? event.kv.modRevision : event.modRevision);

function takeEvents(state: State, events: readonly WatchEvent[]): void {
  const next = state.next ?? 0n;
  const fresh = events.filter((event) => revisionOf(event) >= next);
  const last = fresh.at(-1);
  if (!last) return;
  state.next = revisionOf(last) + 1n;
  state.options.onEvents(fresh);
}

/** One frame; returns true when the stream has to be opened anew. */
function takeFrame(state: State, frame: WatchFrame): boolean {
  if (frame.compactRevision > 0n) state.next = undefined;
  if (frame.canceled) return true;
  if (frame.created) {
    state.backoffMs = BACKOFF_MIN_MS;
    state.options.onState({ connected: true });
    const wentBack = state.next !== undefined && frame.revision + 1n < state.next;
    if (wentBack || frame.clusterId !== state.clusterId) state.next = undefined;
    if (state.next === undefined) return true;
  }
  if (frame.events.length > 0) takeEvents(state, frame.events);
  else if (!frame.created && state.next !== undefined && frame.revision + 1n > state.next)
    state.next = frame.revision + 1n;
  return false;
}

/** Opens one stream; resolves when it has ended, with the error if that was why. */
function follow(state: State): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const stream = state.kv.watchStream(
      state.prefix,
      state.next ?? 0n,
      (frame) => {
        if (state.stream !== stream && state.stream !== undefined) return;
        if (takeFrame(state, frame)) stream.close();
      },
      (error) => {
        state.stream = undefined;
        resolve(error);
      },
    );
    state.stream = stream;
  });
}

const pause = (state: State): Promise<void> =>
  new Promise((resolve) => {
    const ms = state.backoffMs * (0.5 + state.options.random());
    state.backoffMs = Math.min(BACKOFF_MAX_MS, state.backoffMs * 2);
    state.cancelTimer = state.options.clock.after(ms, resolve);
  });

async function round(state: State): Promise<void> {
  if (state.next === undefined) await list(state);
  else await prove(state);
  state.first();
  if (state.next === undefined || state.closed) return;
  const error = await follow(state);
  if (error) throw error;
}

async function run(state: State): Promise<void> {
  while (!state.closed) {
    try {
      await round(state);
    } catch (error) {
      if (state.closed) return;
      state.options.onState({ connected: false, error: error instanceof Error ? error.message : String(error) });
      await pause(state);
    }
  }
}

/** Starts to follow; see {@link WatcherOptions} for what is called when. */
export function watchPrefix(kv: Kv, prefix: string, options: WatcherOptions): Watcher {
  const { promise, resolve } = Promise.withResolvers<void>();
  const state: State = {
    kv,
    prefix,
    options,
    next: options.after && options.after.revision + 1n,
    clusterId: options.after?.clusterId ?? 0n,
    backoffMs: BACKOFF_MIN_MS,
    stream: undefined,
    closed: false,
    cancelTimer: undefined,
    first: resolve,
  };
  void run(state);
  return {
    ready: promise,
    close() {
      state.closed = true;
      state.cancelTimer?.();
      state.stream?.close();
    },
  };
}
