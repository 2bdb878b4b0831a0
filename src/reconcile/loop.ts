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
  settled(): Promise<void>;
  close(): Promise<void>;
}

const PERIOD_MS = 30_000;
const THROTTLE_MS = 50;
const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 30_000;

interface State {
  readonly clock: Clock;
  readonly pass: (work: Dirty) => Promise<void>;
  readonly timers: Set<() => void>;
  dirty: Dirty;
  running: Promise<void> | undefined;
  due: boolean;
  open: boolean;
  lastEnd: number;
  retryMs: number;
}

const clean = (): Dirty => ({ all: false, kinds: new Set(), peers: new Set() });
const isDirty = ({ all, kinds, peers }: Dirty): boolean => all || kinds.size > 0 || peers.size > 0;

function timer(state: State, ms: number, fn: () => void): void {
  const cancel = state.clock.after(ms, () => {
    state.timers.delete(cancel);
    fn();
  });
  state.timers.add(cancel);
}

async function drain(state: State): Promise<void> {
  while (state.open && isDirty(state.dirty)) {
    const work = state.dirty;
    state.dirty = clean();
    await state.pass(work);
  }
  state.lastEnd = state.clock.now();
  state.running = undefined;
}

function wake(state: State): void {
  if (!state.open || state.running || state.due || !isDirty(state.dirty)) return;
  const wait = state.lastEnd + THROTTLE_MS - state.clock.now();
  if (wait <= 0) {
    state.running = drain(state);
    return;
  }
  state.due = true;
  timer(state, wait, () => {
    state.due = false;
    state.running ??= drain(state);
  });
}

function mark(state: State, what: Parameters<Loop['mark']>[0]): void {
  state.dirty.all ||= what.all ?? false;
  for (const kind of what.kinds ?? []) state.dirty.kinds.add(kind);
  for (const peer of what.peers ?? []) state.dirty.peers.add(peer);
  wake(state);
}

/** ±10 %: nodes that started together do not stay in step. */
function period(state: State): void {
  timer(state, PERIOD_MS * (0.9 + 0.2 * Math.random()), () => {
    mark(state, { all: true });
    period(state);
  });
}

async function settled(state: State): Promise<void> {
  while (state.open && (state.running || state.due || isDirty(state.dirty))) {
    await (state.running ?? new Promise<void>((resolve) => state.clock.after(5, resolve)));
  }
}

async function close(state: State): Promise<void> {
  state.open = false;
  for (const cancel of state.timers) cancel();
  await state.running;
}

/** A loop that waits for `open`. `pass` must not throw. */
export function createLoop(clock: Clock, pass: (work: Dirty) => Promise<void>): Loop {
  const state: State = {
    clock,
    pass,
    timers: new Set(),
    dirty: clean(),
    running: undefined,
    due: false,
    open: false,
    lastEnd: Number.NEGATIVE_INFINITY,
    retryMs: RETRY_MIN_MS,
  };
  return {
    mark: (what) => mark(state, what),
    later: (ms) => timer(state, ms, () => mark(state, { all: true })),
    retry: () => {
      timer(state, state.retryMs, () => mark(state, { all: true }));
      state.retryMs = Math.min(RETRY_MAX_MS, state.retryMs * 2);
    },
    succeeded: () => {
      state.retryMs = RETRY_MIN_MS;
    },
    open: () => {
      state.open = true;
      period(state);
      wake(state);
    },
    settled: () => settled(state),
    close: () => close(state),
  };
}
