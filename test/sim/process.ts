import type { Kernel } from '../../src/kernel/state.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { Kv, WatchFrame } from '../../src/store/kv.ts';

/**
 * One life of one process: it can be stopped and go on (SIGSTOP, SIGCONT), and it can be killed. What reaches the outside world and what
 * comes back from it goes through here: nothing passes while it is stopped, and nothing ever after it was killed.
 */
export interface SimProcess {
  readonly clock: Clock;
  kv(kv: Kv): Kv;
  kernel(kernel: Kernel): Kernel;
  /** `suspended`: with the machine, whose monotonic clock stands still meanwhile. */
  stop(how?: { readonly suspended: boolean }): void;
  go(): void;
  kill(): void;
  /** For so long what etcd tells comes late, out of order and twice, as it never does by itself. */
  disorder(ms: number): void;
  isStopped(): boolean;
  isAlive(): boolean;
}

interface State {
  readonly world: Clock;
  /** Milliseconds that a word needs to etcd or back. */
  readonly latency: () => number;
  /** Time that this process has not lived through, and since when it does not live now. */
  slept: number;
  asleepSince: number | undefined;
  disorderlyUntil: number;
  stopped: boolean;
  killed: boolean;
  /** What waits for the process to go on, in order. */
  held: (() => void)[];
}

/** Runs it now, when the process goes on, or never. */
function whenRunning(state: State, fn: () => void): void {
  if (state.killed) return;
  if (state.stopped) state.held.push(fn);
  else fn();
}

/** A call to the outside: it is made, and its result is seen, only while the process runs. */
function gated<A extends unknown[], R>(state: State, call: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  return (...args) =>
    new Promise((resolve, reject) =>
      whenRunning(state, () =>
        call(...args).then(
          (value) => whenRunning(state, () => resolve(value)),
          (error) => whenRunning(state, () => reject(error)),
        ),
      ),
    );
}

/** The same over a network: the call arrives later than it was made, and its answer later than it was given. */
function remote<A extends unknown[], R>(state: State, call: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  const travel = () => new Promise<void>((resolve) => void state.world.after(state.latency(), resolve));
  return gated(state, async (...args: A) => {
    await travel();
    try {
      return await call(...args);
    } finally {
      await travel();
    }
  });
}

type Deliver = (fn: () => void) => void;

/** Frames travel too. In order none overtakes another; in disorder all may, but none is lost: the end of the stream comes last. */
function mail(state: State): { readonly inOrder: Deliver; readonly anyhow: Deliver } {
  let last = 0;
  const at = (due: number, fn: () => void) => {
    last = Math.max(last, due);
    state.world.after(due - state.world.now(), () => whenRunning(state, fn));
  };
  return {
    inOrder: (fn) => at(Math.max(last, state.world.now() + state.latency()), fn),
    anyhow: (fn) => at(state.world.now() + 20 * state.latency(), fn),
  };
}

function deliver(state: State, { inOrder, anyhow }: ReturnType<typeof mail>, frame: WatchFrame, fn: () => void): void {
  if (frame.events.length === 0 || state.world.now() >= state.disorderlyUntil) {
    inOrder(fn);
    return;
  }
  anyhow(fn);
  if (state.latency() > 10) anyhow(fn);
}

/** Milliseconds on the monotonic clock of the machine that the process is on. */
const monotonic = ({ world, slept, asleepSince }: State): number => (asleepSince ?? world.now()) - slept;

/** Sums of fractions are not exact, and no timer rings early: what is left of one is not less than this. */
const GRAIN_MS = 0.001;

const gatedClock = (state: State): Clock => ({
  now: () => monotonic(state),
  after(ms, fn) {
    let cancelled = false;
    const due = monotonic(state) + ms;
    const ring = (): void => {
      if (cancelled) return;
      if (monotonic(state) < due) arm();
      else fn();
    };
    const left = () => (monotonic(state) < due ? Math.max(GRAIN_MS, due - monotonic(state)) : 0);
    const arm = () => state.world.after(left(), () => whenRunning(state, ring));
    arm();
    return () => {
      cancelled = true;
    };
  },
});

const gatedKv = (state: State, kv: Kv): Kv => ({
  ...kv,
  range: remote(state, kv.range),
  txn: remote(state, kv.txn),
  grant: remote(state, kv.grant),
  keepAliveOnce: remote(state, kv.keepAliveOnce),
  revoke: remote(state, kv.revoke),
  timeToLive: remote(state, kv.timeToLive),
  watchStream(prefix, from, onFrame, onEnd) {
    const box = mail(state);
    const later = (frame: WatchFrame) => deliver(state, box, frame, () => onFrame(frame));
    return kv.watchStream(prefix, from, later, (error) => box.inOrder(() => onEnd(error)));
  },
});

const gatedKernel = (state: State, kernel: Kernel): Kernel => ({
  observe: gated(state, kernel.observe),
  apply: gated(state, kernel.apply),
  filterFacts: gated(state, kernel.filterFacts),
  sourceCounters: gated(state, kernel.sourceCounters),
  monitor: (bell) => kernel.monitor((kinds) => whenRunning(state, () => bell(kinds))),
  close: async () => undefined,
});

export function createProcess(clock: Clock, latency: () => number): SimProcess {
  const state: State = {
    ...{ world: clock, latency, stopped: false, killed: false, held: [] },
    ...{ slept: 0, asleepSince: undefined, disorderlyUntil: 0 },
  };
  return {
    clock: gatedClock(state),
    kv: (kv) => gatedKv(state, kv),
    kernel: (kernel) => gatedKernel(state, kernel),
    stop({ suspended } = { suspended: false }) {
      state.stopped = true;
      if (suspended) state.asleepSince ??= clock.now();
    },
    go() {
      state.stopped = false;
      state.slept += clock.now() - (state.asleepSince ?? clock.now());
      state.asleepSince = undefined;
      while (!state.stopped && state.held.length > 0) state.held.shift()?.();
    },
    kill() {
      state.killed = true;
      state.held = [];
    },
    disorder(ms) {
      state.disorderlyUntil = clock.now() + ms;
    },
    isStopped: () => state.stopped,
    isAlive: () => !state.killed,
  };
}
