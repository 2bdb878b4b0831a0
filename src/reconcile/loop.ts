import type { Kind } from '../kernel/state.ts';
import type { Clock } from '../model/clock.ts';

/** What has to be looked at again. */
export interface Dirty {
  all: boolean;
  readonly kinds: Set<Kind>;
  readonly peers: Set<string>;
}

/** When passes run: one at a time, the first change at once, further ones at most every 50 ms, all of it every 30 s. */
export interface Loop {
  mark(what: { all?: boolean; kinds?: Iterable<Kind>; peers?: Iterable<string> }): void;
  /** Marks everything after a while. */
  later(ms: number): void;
  /** After a failed pass: tries again after 0.2 s, doubling to 30 s until `succeeded`. */
  retry(): void;
  succeeded(): void;
  open(): void;
  /** Resolves when no pass runs and none is due (a retry or the next period may wait). */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface LoopOptions {
  readonly clock: Clock;
  /** In [0, 1): spreads the periodic passes. */
  readonly random: () => number;
  /** Must not throw. */
  readonly pass: (work: Dirty) => Promise<void>;
}

const PERIOD_MS = 30_000;
const THROTTLE_MS = 50;
const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 30_000;

type Timer = 'wake' | 'retry' | 'later' | 'period';

interface State extends LoopOptions {
  /** At most one of each. */
  readonly timers: Map<Timer, { readonly at: number; readonly cancel: () => void }>;
  waiters: (() => void)[];
  dirty: Dirty;
  running: Promise<void> | undefined;
  open: boolean;
  lastEnd: number;
  retryMs: number;
}

const clean = (): Dirty => ({ all: false, kinds: new Set(), peers: new Set() });
const isDirty = ({ all, kinds, peers }: Dirty): boolean => all || kinds.size > 0 || peers.size > 0;

function cancel(state: State, name: Timer): void {
  state.timers.get(name)?.cancel();
  state.timers.delete(name);
}

/** Calls `fn` after `ms`, or when the timer of this name rings already if that is earlier. */
function arm(state: State, name: Timer, ms: number, fn: () => void): void {
  const at = state.clock.now() + ms;
  if ((state.timers.get(name)?.at ?? Number.POSITIVE_INFINITY) <= at) return;
  cancel(state, name);
  const stop = state.clock.after(ms, () => {
    state.timers.delete(name);
    fn();
  });
  state.timers.set(name, { at, cancel: stop });
}

async function run(state: State): Promise<void> {
  const work = state.dirty;
  state.dirty = clean();
  await state.pass(work);
  state.lastEnd = state.clock.now();
  state.running = undefined;
  wake(state);
}

const isIdle = (state: State): boolean => !state.running && (!state.open || !isDirty(state.dirty));

function wake(state: State): void {
  if (isIdle(state)) {
    for (const done of state.waiters.splice(0)) done();
    return;
  }
  if (state.running) return;
  const wait = state.lastEnd + THROTTLE_MS - state.clock.now();
  if (wait > 0) arm(state, 'wake', wait, () => wake(state));
  else state.running = run(state);
}

function mark(state: State, what: Parameters<Loop['mark']>[0]): void {
  state.dirty.all ||= what.all ?? false;
  for (const kind of what.kinds ?? []) state.dirty.kinds.add(kind);
  for (const peer of what.peers ?? []) state.dirty.peers.add(peer);
  wake(state);
}

/** ±10 %: nodes that started together do not stay in step. */
function period(state: State): void {
  arm(state, 'period', PERIOD_MS * (0.9 + 0.2 * state.random()), () => {
    period(state);
    mark(state, { all: true });
  });
}

/** A retry that waits already is not put off by another failure meanwhile. */
function retry(state: State): void {
  if (!state.open || state.timers.has('retry')) return;
  arm(state, 'retry', state.retryMs, () => mark(state, { all: true }));
  state.retryMs = Math.min(RETRY_MAX_MS, state.retryMs * 2);
}

async function close(state: State): Promise<void> {
  state.open = false;
  for (const name of [...state.timers.keys()]) cancel(state, name);
  await state.running;
  wake(state);
}

/** A loop that waits for `open`. */
export function createLoop(options: LoopOptions): Loop {
  const state: State = {
    ...options,
    timers: new Map(),
    waiters: [],
    dirty: clean(),
    running: undefined,
    open: false,
    lastEnd: Number.NEGATIVE_INFINITY,
    retryMs: RETRY_MIN_MS,
  };
  return {
    mark: (what) => mark(state, what),
    later: (ms) => state.open && arm(state, 'later', ms, () => mark(state, { all: true })),
    retry: () => retry(state),
    succeeded() {
      state.retryMs = RETRY_MIN_MS;
      cancel(state, 'retry');
    },
    open() {
      state.open = true;
      period(state);
      wake(state);
    },
    settled: () =>
      new Promise((resolve) => {
        state.waiters.push(resolve);
        wake(state);
      }),
    close: () => close(state),
  };
}
