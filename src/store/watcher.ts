import { asTsflannelError, type ErrorCode, TsflannelError } from '../errors.ts';
import { failPoint } from '../fail-point.ts';
import type { Clock } from '../model/clock.ts';
import type { KeyValue, Kv, RangeResult, WatchEvent, WatchFrame, WatchStream } from './kv.ts';
import { byKey, isRevisionGone } from './kv.ts';

/**
 * Follows all keys under a prefix without losing or repeating an event, whatever happens to the connection. The position is the
 * revision after the last event applied, never the header of an answer (the etcd3 package takes that, and loses what was in between).
 * After compaction, when the store is not the one known (restored, wiped), or when a transport that etcd never had repeats or reorders the
 * changes of one stream, a fresh snapshot is handed up instead of events.
 * No callback is called after `close`.
 */
export interface WatcherOptions {
  readonly clock: Clock;
  /** In [0, 1): jitter of the back-off. */
  readonly random: () => number;
  /** Where a snapshot that is known already was taken: events follow it, and no list is made first. */
  readonly after?: RangeResult;
  /** The complete state at one revision: first (without `after`), and again whenever events were missed. */
  readonly onSnapshot: (kvs: readonly KeyValue[], revision: bigint, clusterId: bigint) => void;
  /** Events of one or more whole revisions, in order. */
  readonly onEvents: (events: readonly WatchEvent[]) => void;
  /** On each change of it, and on each new reason. */
  readonly onState: (state: WatchState) => void;
}

/** `connected`: what is shown is what etcd has. `since` is the clock's time of the first failure. */
export type WatchState =
  | { readonly connected: true }
  | { readonly connected: false; readonly error: string; readonly code?: ErrorCode; readonly since: number };

export interface Watcher {
  /** Resolves with the first snapshot or, with `after`, the first proof that etcd answers; never rejects. */
  readonly ready: Promise<void>;
  close(): void;
}

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 2_000;

/** A stream that is not confirmed by then is given up: with a token of a wiped store etcd answers nothing at all (etcd#11377). */
const CREATED_MS = 5_000;

interface State {
  readonly kv: Kv;
  readonly prefix: string;
  readonly options: WatcherOptions;
  /** Revision of the next event; `undefined`: list first. */
  next: bigint | undefined;
  clusterId: bigint;
  /** The keys as they were just before `next`: what tells our store from another one that took its place. */
  known: Map<string, KeyValue>;
  backoffMs: number;
  shown: WatchState | undefined;
  /** Ends the stream or the pause that is under way. */
  interrupt: () => void;
  closed: boolean;
}

function show(state: State, connected: boolean, error = '', code?: ErrorCode): void {
  const { shown } = state;
  if (state.closed || (shown?.connected === connected && (shown.connected || shown.error === error))) return;
  const since = shown?.connected === false ? shown.since : state.options.clock.now();
  state.shown = connected ? { connected } : { connected, error, since, ...(code && { code }) };
  state.options.onState(state.shown);
}

async function list(state: State): Promise<void> {
  const { kvs, revision, clusterId } = await state.kv.range(state.prefix);
  if (state.closed) return;
  Object.assign(state, { next: revision + 1n, clusterId, known: byKey(kvs) });
  state.options.onSnapshot(kvs, revision, clusterId);
}

/** Written by the same transaction: a revision alone may come about twice, when an older backup took the place of the store. */
const isSameWrite = (a: KeyValue, b: KeyValue | undefined): boolean =>
  a.modRevision === b?.modRevision &&
  a.createRevision === b.createRevision &&
  a.version === b.version &&
  a.lease === b.lease;

/**
 * A linearizable read before each stream: proves quorum, renews the login (streams never do), and tells whether this is still the store that
 * we know. A wiped or restored one may have the same cluster id (etcd makes it from the members' addresses) and may have come past our
 * revision meanwhile; but then it did not have, at that revision, just the keys that we saw. False also when it cannot tell any more.
 */
async function prove({ kv, prefix, clusterId, known }: State, next: bigint): Promise<boolean> {
  try {
    const then = await kv.range(prefix, { keysOnly: true, revision: next - 1n });
    return (
      then.clusterId === clusterId &&
      then.kvs.length === known.size &&
      then.kvs.every((each) => isSameWrite(each, known.get(each.key)))
    );
  } catch (error) {
    if (isRevisionGone(error)) return false;
    throw error;
  }
}

const revisionOf = (event: WatchEvent): bigint => (event.type === 'put' ? event.kv.modRevision : event.modRevision);

/** One stream: where it began, and the revision it has come to. */
interface Place {
  readonly from: bigint;
  at: bigint;
}

/** False when they are not in order. A member that lags behind the one we were on sends first what we have (etcd#20221). */
function takeEvents(state: State, place: Place, events: readonly WatchEvent[]): boolean {
  let last = 0n;
  for (const event of events) {
    if (revisionOf(event) < last || revisionOf(event) <= place.at) return false;
    last = revisionOf(event);
  }
  place.at = last;
  const fresh = events.filter((event) => revisionOf(event) >= place.from);
  if (fresh.length === 0) return true;
  failPoint('events-come');
  state.next = last + 1n;
  for (const event of fresh) {
    if (event.type === 'put') state.known.set(event.kv.key, event.kv);
    else state.known.delete(event.key);
  }
  state.options.onEvents(fresh);
  return true;
}

/** What a frame means for the stream it came on. */
type Verdict = 'go on' | 'list again' | 'behind' | 'disorder';

function takeFrame(state: State, place: Place, frame: WatchFrame): Verdict {
  const { next } = state;
  if (frame.compactRevision > 0n || frame.canceled || next === undefined) return 'list again';
  if (frame.created && place.at > 0n) return 'disorder';
  if (frame.created) {
    // Less than we have seen: another store, or a member that lags. The read before the next stream tells which.
    if (frame.clusterId !== state.clusterId || frame.revision + 1n < next) return 'behind';
    state.backoffMs = BACKOFF_MIN_MS;
    show(state, true);
  } else if (frame.events.length > 0) return takeEvents(state, place, frame.events) ? 'go on' : 'disorder';
  else if (frame.revision + 1n > next) state.next = frame.revision + 1n;
  return 'go on';
}

const lost = (detail: string) => new TsflannelError('ETCD_FAILED', { detail });

const PROBLEM = {
  behind: 'this member is behind what was seen',
  disorder: 'changes came twice or out of order; listing again',
} as const;

/** Opens one stream; resolves when it has to be replaced without delay, rejects when after a pause. */
function follow(state: State, from: bigint): Promise<void> {
  return new Promise((resolve, reject) => {
    let stream: WatchStream | undefined;
    let ended = false;
    const place: Place = { from, at: 0n };
    const end = (settle: () => void): void => {
      ended = true;
      cancelTimer();
      stream?.close();
      settle();
    };
    const late = () => end(() => reject(lost('etcd did not confirm the watch')));
    const cancelTimer = state.options.clock.after(CREATED_MS, late);
    const onFrame = (frame: WatchFrame): void => {
      if (ended || state.closed) return;
      if (frame.created) cancelTimer();
      const verdict = takeFrame(state, place, frame);
      if (verdict === 'list again' || verdict === 'disorder') state.next = undefined;
      if (verdict === 'list again') end(resolve);
      else if (verdict !== 'go on') end(() => reject(lost(PROBLEM[verdict])));
    };
    const onEnd = (error?: Error): void => {
      if (!ended) end(() => (error ? reject(error) : resolve()));
    };
    state.interrupt = () => end(resolve);
    stream = state.kv.watchStream(state.prefix, from, onFrame, onEnd);
    if (ended) stream.close();
  });
}

const pause = (state: State): Promise<void> =>
  new Promise((resolve) => {
    const ms = state.backoffMs * (0.5 + state.options.random());
    state.backoffMs = Math.min(BACKOFF_MAX_MS, state.backoffMs * 2);
    const cancel = state.options.clock.after(ms, resolve);
    state.interrupt = () => {
      cancel();
      resolve();
    };
  });

async function round(state: State, ready: () => void): Promise<void> {
  if (state.next !== undefined && !(await prove(state, state.next))) state.next = undefined;
  if (state.next === undefined && !state.closed) await list(state);
  if (state.next === undefined || state.closed) return;
  ready();
  await follow(state, state.next);
}

const textOf = (error: unknown): string => {
  const { message, why } = asTsflannelError(error);
  return `${message}: ${why}`;
};

async function run(state: State, ready: () => void): Promise<void> {
  while (!state.closed) {
    try {
      await round(state, ready);
    } catch (error) {
      if (state.closed) return;
      show(state, false, textOf(error), asTsflannelError(error).code);
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
    known: byKey(options.after?.kvs ?? []),
    backoffMs: BACKOFF_MIN_MS,
    shown: undefined,
    interrupt: () => undefined,
    closed: false,
  };
  void run(state, resolve);
  return {
    ready: promise,
    close() {
      state.closed = true;
      state.interrupt();
    },
  };
}
