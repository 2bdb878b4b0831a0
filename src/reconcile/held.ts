import type { Clock } from '../model/clock.ts';
import type { Lease } from '../model/lease.ts';
import type { Log } from '../model/log-events.ts';
import { type Brake, createBrake } from './brake.ts';

/** The peers the kernel should know: those of the view, and those whose removal still waits for a confirmation. */
export interface HeldPeers {
  replace(peers: ReadonlyMap<string, Lease>): void;
  /** Takes over a new view; returns the keys to look at now. Removals that trip the brake stay, and a fresh list is asked for. */
  update(peers: ReadonlyMap<string, Lease>, changed: readonly string[] | 'all'): readonly string[];
  peers(): ReadonlyMap<string, Lease>;
  /**
   * The store is another one, or an older one, than the one known: who is missing in it has yet to lease again. Removals wait for 10 s,
   * however few they are, and are confirmed then.
   */
  distrust(): void;
  /** How many removals wait. */
  held(): number;
  /** Asks no more. */
  close(): void;
}

export interface HeldOptions {
  readonly clock: Clock;
  /** A fresh list of the peers from the store; rejects while the store is away, and is asked again then. */
  readonly confirm: () => Promise<ReadonlyMap<string, Lease>>;
  readonly log: Log;
  /** Peers that are gone for good now. */
  readonly released: (keys: readonly string[]) => void;
}

const ASK_AGAIN_MS = 1_000;
/** A node sees within some 2 s that etcd is another one, and leases again at once. */
const DISTRUST_MS = 10_000;

interface State extends HeldOptions {
  readonly brake: Brake;
  readonly shown: Map<string, Lease>;
  readonly waiting: Set<string>;
  view: ReadonlyMap<string, Lease>;
  asking: boolean;
  closed: boolean;
  /** Until then nothing is removed. */
  distrustUntil: number;
}

/** Those that the fresh list does not have either go now; one that it still has (it may be older than the view) waits on. */
function conclude(state: State, asked: readonly string[], fresh: ReadonlyMap<string, Lease>): void {
  const gone = asked.filter((key) => state.waiting.has(key) && !fresh.has(key));
  for (const key of gone) {
    state.waiting.delete(key);
    state.shown.delete(key);
  }
  if (gone.length === 0) return;
  state.log('removals-confirmed', `${gone.length} peers are really gone`);
  state.released(gone);
}

const untilTrust = ({ distrustUntil, clock }: State): number => distrustUntil - clock.now();

/** Asks until nothing waits; the store may be away for long. */
async function ask(state: State): Promise<void> {
  if (state.asking || state.closed || state.waiting.size === 0) return;
  state.asking = true;
  // Meanwhile the store may have been replaced once more.
  for (let early = untilTrust(state); early > 0; early = untilTrust(state))
    await new Promise<void>((resolve) => void state.clock.after(early, resolve));
  const asked = [...state.waiting];
  try {
    const fresh = await state.confirm();
    if (!state.closed) conclude(state, asked, fresh);
  } catch {
    // The store does not answer: the peers stay.
  }
  state.asking = false;
  if (state.waiting.size > 0 && !state.closed) state.clock.after(ASK_AGAIN_MS, () => void ask(state));
}

/** Everything that differs between what is shown and the new view. */
const differing = (state: State, peers: ReadonlyMap<string, Lease>): string[] => [
  ...[...peers].filter(([key, lease]) => state.shown.get(key) !== lease).map(([key]) => key),
  ...[...state.shown.keys()].filter((key) => !peers.has(key)),
];

function show(state: State, keys: readonly string[]): void {
  for (const key of keys) {
    const lease = state.view.get(key);
    if (!lease) continue;
    state.shown.set(key, lease);
    state.waiting.delete(key);
  }
  state.brake.returned(keys.filter((key) => state.view.has(key)));
}

/** Takes the vanished peers away; true when they are kept until a fresh list confirms it. */
function drop(state: State, removed: readonly string[]): boolean {
  const total = state.shown.size - state.waiting.size;
  if (removed.length === 0) return false;
  const now = state.clock.now();
  const trips = state.brake.trips(removed, total, now);
  if (!trips && now >= state.distrustUntil) {
    for (const key of removed) state.shown.delete(key);
    return false;
  }
  for (const key of removed) state.waiting.add(key);
  state.log(
    'removals-held',
    `${state.waiting.size} of ${state.shown.size} peers vanished within 10 s, or with etcd's data; asking etcd again before removing them`,
  );
  void ask(state);
  return true;
}

function update(
  state: State,
  peers: ReadonlyMap<string, Lease>,
  changed: readonly string[] | 'all',
): readonly string[] {
  state.view = peers;
  const keys = changed === 'all' ? differing(state, peers) : changed;
  show(state, keys);
  const removed = keys.filter((key) => !peers.has(key) && state.shown.has(key) && !state.waiting.has(key));
  return drop(state, removed) ? keys.filter((key) => peers.has(key)) : keys;
}

/** No peers yet. */
export function createHeldPeers(options: HeldOptions): HeldPeers {
  const state: State = {
    ...options,
    brake: createBrake(),
    shown: new Map(),
    waiting: new Set(),
    view: new Map(),
    asking: false,
    closed: false,
    distrustUntil: Number.NEGATIVE_INFINITY,
  };
  return {
    replace(peers) {
      state.view = peers;
      for (const [key, lease] of peers) state.shown.set(key, lease);
    },
    update: (peers, changed) => update(state, peers, changed),
    peers: () => state.shown,
    distrust() {
      state.distrustUntil = state.clock.now() + DISTRUST_MS;
    },
    held: () => state.waiting.size,
    close: () => {
      state.closed = true;
    },
  };
}
