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

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

/** Starts at 0. */
export function createTestClock(): TestClock {
  /** The next one is the last; of those due at one time the one set first. */
  const timers: Timer[] = [];
  let now = 0;
  /** Where a timer set now for then belongs: before all that are due until then. */
  function placeOf(at: number): number {
    let [low, high] = [0, timers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((timers[middle]?.at ?? 0) > at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  function next(until: number): Timer | undefined {
    const due = timers.at(-1);
    return due && due.at <= until ? timers.pop() : undefined;
  }
  return {
    now: () => now,
    after(ms, fn) {
      const timer: Timer = { at: now + ms, fn };
      timers.splice(placeOf(timer.at), 0, timer);
      return () => {
        const place = timers.indexOf(timer, placeOf(timer.at));
        if (place >= 0) timers.splice(place, 1);
      };
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (let due = next(end); due; due = next(end)) {
        now = Math.max(now, due.at);
        due.fn();
        await settle();
      }
      now = end;
    },
    pending: () => timers.length,
  };
}
