/**
 * Keeps a mistake in the store from emptying every host: changes that within 10 s would remove more than half of four or more peers
 * wait until a fresh list confirms them. Expiries arrive one revision each, so the window matters, not the single change.
 */
export interface Brake {
  /** Whether removing these keys now, out of `total` peers still shown, needs a confirmation. Counts them as removed. */
  trips(keys: readonly string[], total: number, now: number): boolean;
}

const WINDOW_MS = 10_000;
const MIN_PEERS = 4;

/** A brake with an empty history. */
export function createBrake(): Brake {
  let recent: { readonly key: string; readonly at: number }[] = [];
  return {
    trips(keys, total, now) {
      recent = recent.filter(({ at }) => now - at < WINDOW_MS);
      const before = total + recent.length;
      recent.push(...keys.map((key) => ({ key, at: now })));
      return before >= MIN_PEERS && recent.length * 2 > before;
    },
  };
}
