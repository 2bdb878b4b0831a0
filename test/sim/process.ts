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
  stop(): void;
  go(): void;
  kill(): void;
  isStopped(): boolean;
  isAlive(): boolean;
}

interface State {
  readonly world: Clock;
  /** Milliseconds that a word needs to etcd or back. */
  readonly latency: () => number;
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

/** Frames travel too, and none overtakes another. */
function inOrder(state: State): (fn: () => void) => void {
  let last = 0;
  return (fn) => {
    last = Math.max(last, state.world.now() + state.latency());
    state.world.after(last - state.world.now(), () => whenRunning(state, fn));
  };
}

const gatedClock = (state: State, clock: Clock): Clock => ({
  now: clock.now,
  after(ms, fn) {
    let cancelled = false;
    const cancel = clock.after(ms, () => whenRunning(state, () => !cancelled && fn()));
    return () => {
      cancelled = true;
      cancel();
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
    const deliver = inOrder(state);
    const later = (frame: WatchFrame) => deliver(() => onFrame(frame));
    return kv.watchStream(prefix, from, later, (error) => deliver(() => onEnd(error)));
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
  const state: State = { world: clock, latency, stopped: false, killed: false, held: [] };
  return {
    clock: gatedClock(state, clock),
    kv: (kv) => gatedKv(state, kv),
    kernel: (kernel) => gatedKernel(state, kernel),
    stop() {
      state.stopped = true;
    },
    go() {
      state.stopped = false;
      while (!state.stopped && state.held.length > 0) state.held.shift()?.();
    },
    kill() {
      state.killed = true;
      state.held = [];
    },
    isStopped: () => state.stopped,
    isAlive: () => !state.killed,
  };
}
