import type { Clock } from '../model/clock.ts';
import type { Lease } from '../model/lease.ts';
import { createBrake } from './brake.ts';

/** The peers the kernel should know: those of the view, and those whose removal still waits for a confirmation. */
export interface HeldPeers {
  replace(peers: ReadonlyMap<string, Lease>): void;
  /** Takes over a new view; returns the keys to look at now. Removals that trip the brake stay, and a fresh list is asked for. */
  update(peers: ReadonlyMap<string, Lease>, changed: readonly string[] | 'all'): readonly string[];
  peers(): ReadonlyMap<string, Lease>;
  /** How many removals wait. */
  held(): number;
  /** Asks no more. */
  close(): void;
}

export interface HeldOptions {
  readonly clock: Clock;
  /** A fresh list of the peers from the store; rejects while the store is away, and is asked again then. */
  readonly confirm: () => Promise<ReadonlyMap<string, Lease>>;
  readonly log: (event: string, detail: string) => void;
  /** Peers that are gone for good now. */
  readonly released: (keys: readonly string[]) => void;
}

const ASK_AGAIN_MS = 1_000;

interface State extends HeldOptions {
  readonly shown: Map<string, Lease>;
  readonly waiting: Set<string>;
  view: ReadonlyMap<string, Lease>;
  asking: boolean;
  closed: boolean;
}

async function ask(state: State): Promise<void> {
  if (state.asking || state.closed) return;
  state.asking = true;
  try {
    const fresh = await state.confirm();
    const gone = [...state.waiting].filter((key) => !fresh.has(key) && !state.view.has(key));
    for (const key of gone) state.shown.delete(key);
    state.waiting.clear();
    state.log('removals-confirmed', `${gone.length} peers are really gone`);
    state.released(gone);
  } catch {
    state.clock.after(ASK_AGAIN_MS, () => void ask(state));
  } finally {
    state.asking = false;
  }
}

/** Everything that differs between what is shown and the new view. */
const differing = (state: State, peers: ReadonlyMap<string, Lease>): string[] => [
  ...[...peers].filter(([key, lease]) => state.shown.get(key) !== lease).map(([key]) => key),
  ...[...state.shown.keys()].filter((key) => !peers.has(key)),
];

/** No peers yet. */
export function createHeldPeers(options: HeldOptions): HeldPeers {
  const brake = createBrake();
  const state: State = {
    ...options,
    shown: new Map(),
    waiting: new Set(),
    view: new Map(),
    asking: false,
    closed: false,
  };
  return {
    replace(peers) {
      state.view = peers;
      for (const [key, lease] of peers) state.shown.set(key, lease);
    },
    update(peers, changed) {
      state.view = peers;
      const keys = changed === 'all' ? differing(state, peers) : changed;
      const removed = keys.filter((key) => !peers.has(key) && state.shown.has(key) && !state.waiting.has(key));
      for (const key of keys) {
        const lease = peers.get(key);
        if (!lease) continue;
        state.shown.set(key, lease);
        state.waiting.delete(key);
      }
      if (removed.length > 0 && brake.trips(removed, state.shown.size - state.waiting.size, state.clock.now())) {
        for (const key of removed) state.waiting.add(key);
        state.log(
          'removals-held',
          `${state.waiting.size} of ${state.shown.size} peers vanished within 10 s; asking etcd again before removing them`,
        );
        void ask(state);
        return keys.filter((key) => peers.has(key));
      }
      for (const key of removed) state.shown.delete(key);
      return keys;
    },
    peers: () => state.shown,
    held: () => state.waiting.size,
    close: () => {
      state.closed = true;
    },
  };
}
