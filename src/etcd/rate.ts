/** Counts tries by who makes them: each has `burst` at once, and `perSecond` more as time goes by. */
export interface Rate {
  /** Whether one more is allowed now; it is counted then. `cost` is how many it counts for. */
  take(who: string, cost?: number): boolean;
}

/** Remembers so many, the least recent are forgotten first: an attacker with many addresses must not fill the memory. */
const MOST = 1024;

/** `now` is a clock in milliseconds. */
export function openRate(burst: number, perSecond: number, now: () => number = () => performance.now()): Rate {
  const seen = new Map<string, { left: number; at: number }>();
  return {
    take(who, cost = 1) {
      const before = seen.get(who) ?? { left: burst, at: now() };
      const at = now();
      const left = Math.min(burst, before.left + ((at - before.at) / 1000) * perSecond);
      seen.delete(who);
      const allowed = left >= cost;
      seen.set(who, { left: allowed ? left - cost : left, at });
      const oldest = seen.size > MOST ? seen.keys().next().value : undefined;
      if (oldest !== undefined) seen.delete(oldest);
      return allowed;
    },
  };
}
