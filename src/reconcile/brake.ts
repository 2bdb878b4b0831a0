/**
 * Keeps a mistake in the store from emptying every host: changes that within 10 s would remove more than half of four or more peers
 * wait until a fresh list confirms them. Expiries arrive one revision each, so the window matters, not the single change.
 */
export interface Brake {
  /** Whether removing these keys now, out of `total` peers still shown, needs a confirmation. Counts them as removed. */
  trips(keys: readonly string[], total: number, now: number): boolean;
  /** These are back: they do not count as removed any more. */
  returned(keys: Iterable<string>): void;
}

const WINDOW_MS = 10_000;
const MIN_PEERS = 4;

/** A brake with an empty history. */
export function createBrake(): Brake {
  /** When each was removed. */
  const recent = new Map<string, number>();
  return {
    trips(keys, total, now) {
      for (const [key, at] of recent) if (now - at >= WINDOW_MS) recent.delete(key);
      const before = total + recent.size;
      for (const key of keys) recent.set(key, now);
      return before >= MIN_PEERS && recent.size * 2 > before;
    },
    returned(keys) {
      for (const key of keys) recent.delete(key);
    },
  };
}
