import type { Clock } from '../../model/clock.ts';

/** etcd leases on an injected clock. */
export interface Leases {
  grant(ttlSeconds: number): bigint;
  exists(lease: bigint): boolean;
  /** Seconds of its new life; 0 when there is no such lease. */
  renew(lease: bigint): number;
  left(lease: bigint): { left: number; granted: number };
  /** False when there was none. */
  drop(lease: bigint): boolean;
  /** All of them, without a word to `onExpire`. */
  clear(): void;
  /** Lease ids and their TTLs in seconds; `restore` lets these live in place of all others, from now on and as long as at first. */
  all(): ReadonlyMap<bigint, number>;
  restore(leases: ReadonlyMap<bigint, number>): void;
}

interface Entry {
  readonly ttlSeconds: number;
  readonly expiresAt: number;
  readonly cancel: () => void;
}

/** `onExpire` is called when a lease has run out; it is gone by then. */
export function createLeases(clock: Clock, onExpire: (lease: bigint) => void): Leases {
  const entries = new Map<bigint, Entry>();
  let last = 7_000n;

  function start(lease: bigint, ttlSeconds: number): void {
    const cancel = clock.after(ttlSeconds * 1000, () => {
      entries.delete(lease);
      onExpire(lease);
    });
    entries.set(lease, { ttlSeconds, expiresAt: clock.now() + ttlSeconds * 1000, cancel });
  }

  function drop(lease: bigint): boolean {
    entries.get(lease)?.cancel();
    return entries.delete(lease);
  }

  function clear(): void {
    for (const lease of [...entries.keys()]) drop(lease);
  }

  return {
    grant(ttlSeconds) {
      last += 1n;
      start(last, ttlSeconds);
      return last;
    },
    exists: (lease) => entries.has(lease),
    renew(lease) {
      const entry = entries.get(lease);
      if (!entry) return 0;
      entry.cancel();
      start(lease, entry.ttlSeconds);
      return entry.ttlSeconds;
    },
    left(lease) {
      const entry = entries.get(lease);
      if (!entry) return { left: -1, granted: 0 };
      return { left: Math.floor((entry.expiresAt - clock.now()) / 1000), granted: entry.ttlSeconds };
    },
    drop,
    clear,
    all: () => new Map([...entries].map(([lease, { ttlSeconds }]) => [lease, ttlSeconds])),
    restore(leases) {
      clear();
      for (const [lease, ttlSeconds] of leases) start(lease, ttlSeconds);
    },
  };
}
