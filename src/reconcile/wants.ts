import type { Reach } from '../backend/backend.ts';
import { baseWants, peerWants, type Scene } from '../backend/desired.ts';
import type { Want } from '../kernel/diff.ts';
import { keyOf } from '../kernel/state.ts';
import { printPrefix } from '../model/address.ts';
import { compareAge, type Lease } from '../model/lease.ts';
import { eachSliced, type Sliced } from '../model/sliced.ts';

/** The wanted state, kept per peer, so that one changed peer costs one peer. */
export interface Wants {
  /** Computes everything anew, in slices; until it is done nothing else may be asked but what stood before. */
  rebuilding(scene: Scene, peers: ReadonlyMap<string, Lease>): Sliced<void>;
  /** Computes these peers anew; returns their wants, those of the devices they stand on, and every key that is or was theirs. */
  refreshing(
    scene: Scene,
    peers: ReadonlyMap<string, Lease>,
    changed: Iterable<string>,
  ): Sliced<{ wants: readonly Want[]; keys: ReadonlySet<string> }>;
  /** Of all peers, in slices. */
  all(): Sliced<readonly Want[]>;
  reach(peer: string): Reach | undefined;
  /** Keys of the objects this peer asks for. */
  keysOf(peer: string): readonly string[];
  /** Whether this key is of an object that the node needs whoever its peers are. */
  isBase(key: string): boolean;
}

interface Entry {
  readonly lease: Lease;
  readonly wants: readonly Want[];
  readonly reach: Reach;
}

interface State {
  base: readonly Want[];
  baseKeys: ReadonlySet<string>;
  entries: Map<string, Entry>;
  /**
   * Peers by the FDB entry they ask for. It alone is not named by the peer's subnet but by a MAC, which anybody may claim: the oldest
   * lease has it, and the others get nothing, since what is sent to them would go to another node.
   */
  claims: Map<string, readonly string[]>;
}

const NOBODY: readonly string[] = [];

const claimsOf = ({ wants }: Entry): string[] =>
  wants.flatMap(({ object }) => (object.kind === 'fdb' ? [keyOf(object)] : []));

function add(state: State, peer: string, entry: Entry): void {
  state.entries.set(peer, entry);
  for (const claim of claimsOf(entry)) state.claims.set(claim, (state.claims.get(claim) ?? NOBODY).concat(peer));
}

function remove(state: State, peer: string): void {
  const entry = state.entries.get(peer);
  for (const claim of entry ? claimsOf(entry) : []) {
    const others = (state.claims.get(claim) ?? NOBODY).filter((other) => other !== peer);
    if (others.length > 0) state.claims.set(claim, others);
    else state.claims.delete(claim);
  }
  state.entries.delete(peer);
}

/** The older lease that has what this one asks for too. */
function rivalOf(state: State, peer: string, entry: Entry): Lease | undefined {
  for (const claim of claimsOf(entry)) {
    for (const other of state.claims.get(claim) ?? []) {
      const lease = other === peer ? undefined : state.entries.get(other)?.lease;
      if (lease && compareAge(lease, entry.lease) < 0) return lease;
    }
  }
  return undefined;
}

/** What the peer gets. */
function granted(state: State, peer: string): Pick<Entry, 'wants' | 'reach'> | undefined {
  const entry = state.entries.get(peer);
  const rival = entry && rivalOf(state, peer, entry);
  if (!rival) return entry;
  return { wants: [], reach: { problem: `its VTEP MAC is that of the older lease of ${printPrefix(rival.subnet)}` } };
}

/** These peers, and those that ask for the same things. */
function withRivals(state: State, peers: ReadonlySet<string>): Set<string> {
  const all = new Set(peers);
  for (const peer of peers) {
    const entry = state.entries.get(peer);
    for (const claim of entry ? claimsOf(entry) : []) for (const rival of state.claims.get(claim) ?? []) all.add(rival);
  }
  return all;
}

function* refreshing(
  state: State,
  scene: Scene,
  peers: ReadonlyMap<string, Lease>,
  changed: ReadonlySet<string>,
): ReturnType<Wants['refreshing']> {
  const affected = withRivals(state, changed);
  const keys = new Set<string>();
  const note = (peer: string) => {
    for (const { object } of state.entries.get(peer)?.wants ?? []) keys.add(keyOf(object));
  };
  yield* eachSliced(affected, note);
  yield* eachSliced(changed, (peer) => {
    remove(state, peer);
    const lease = peers.get(peer);
    if (lease) add(state, peer, { lease, ...peerWants(scene, lease) });
  });
  for (const peer of withRivals(state, changed)) affected.add(peer);
  const wants: Want[] = [];
  yield* eachSliced(affected, (peer) => {
    note(peer);
    wants.push(...(granted(state, peer)?.wants ?? []));
  });
  // The devices too: whether they are ours decides whether anything may be put on them.
  return { wants: [...state.base.filter(({ object }) => object.kind === 'link'), ...wants], keys };
}

function* rebuilding(state: State, scene: Scene, peers: ReadonlyMap<string, Lease>): Sliced<void> {
  const base = baseWants(scene);
  const baseKeys = new Set(base.map(({ object }) => keyOf(object)));
  const next: State = { base, baseKeys, entries: new Map(), claims: new Map() };
  yield* eachSliced(peers, ([peer, lease]) => add(next, peer, { lease, ...peerWants(scene, lease) }));
  Object.assign(state, next);
}

function* all(state: State): Sliced<readonly Want[]> {
  const wants = [...state.base];
  yield* eachSliced(state.entries.keys(), (peer) => {
    wants.push(...(granted(state, peer)?.wants ?? []));
  });
  return wants;
}

/** Nothing wanted yet. */
export function createWants(): Wants {
  const state: State = { base: [], baseKeys: new Set(), entries: new Map(), claims: new Map() };
  return {
    rebuilding: (scene, peers) => rebuilding(state, scene, peers),
    refreshing: (scene, peers, changed) => refreshing(state, scene, peers, new Set(changed)),
    all: () => all(state),
    reach: (peer) => granted(state, peer)?.reach,
    keysOf: (peer) => (granted(state, peer)?.wants ?? []).map(({ object }) => keyOf(object)),
    isBase: (key) => state.baseKeys.has(key),
  };
}
