import type { Clock } from '../../src/model/clock.ts';

/** A clock that moves when it is told to. */
export interface TestClock extends Clock {
  /** Moves on, calling what falls due in order; promises get their turn after each. */
  advance(ms: number): Promise<void>;
  /** How many timers wait. */
  pending(): number;
}

/** Lets everything that is already resolved run on. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Starts at 0. */
export function createTestClock(): TestClock {
  const timers = new Map<number, { at: number; fn: () => void }>();
  let now = 0;
  let last = 0;
  const next = (until: number) =>
    [...timers].filter(([, { at }]) => at <= until).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
  return {
    now: () => now,
    after(ms, fn) {
      const id = ++last;
      timers.set(id, { at: now + ms, fn });
      return () => timers.delete(id);
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (let due = next(end); due; due = next(end)) {
        timers.delete(due[0]);
        now = Math.max(now, due[1].at);
        due[1].fn();
        await settle();
      }
      now = end;
    },
    pending: () => timers.size,
  };
}
