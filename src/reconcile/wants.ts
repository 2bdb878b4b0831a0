import type { Reach } from '../backend/backend.ts';
import { baseWants, peerWants, type Scene } from '../backend/desired.ts';
import type { Want } from '../kernel/diff.ts';
import { keyOf } from '../kernel/state.ts';
import type { Lease } from '../model/lease.ts';

/** The wanted state, kept per peer, so that one changed peer costs one peer. */
export interface Wants {
  /** Computes everything anew. */
  rebuild(scene: Scene, peers: ReadonlyMap<string, Lease>): void;
  /** Computes these peers anew; returns their wants, those of the devices they stand on, and every key that is or was theirs. */
  refresh(
    scene: Scene,
    peers: ReadonlyMap<string, Lease>,
    changed: Iterable<string>,
  ): { wants: readonly Want[]; keys: ReadonlySet<string> };
  all(): readonly Want[];
  reach(peer: string): Reach | undefined;
  /** Keys of the objects this peer asks for. */
  keysOf(peer: string): readonly string[];
}

interface Entry {
  readonly wants: readonly Want[];
  readonly reach: Reach;
}

/** Nothing wanted yet. */
export function createWants(): Wants {
  let base: readonly Want[] = [];
  const entries = new Map<string, Entry>();

  function refreshOne(scene: Scene, lease: Lease | undefined, peer: string, keys: Set<string>): readonly Want[] {
    for (const { object } of entries.get(peer)?.wants ?? []) keys.add(keyOf(object));
    if (!lease) {
      entries.delete(peer);
      return [];
    }
    const entry = peerWants(scene, lease);
    entries.set(peer, entry);
    for (const { object } of entry.wants) keys.add(keyOf(object));
    return entry.wants;
  }

  return {
    rebuild(scene, peers) {
      base = baseWants(scene);
      entries.clear();
      for (const [peer, lease] of peers) entries.set(peer, peerWants(scene, lease));
    },
    refresh(scene, peers, changed) {
      const keys = new Set<string>();
      const wants = [...changed].flatMap((peer) => refreshOne(scene, peers.get(peer), peer, keys));
      // The devices too: whether they are ours decides whether anything may be put on them.
      return { wants: [...base.filter(({ object }) => object.kind === 'link'), ...wants], keys };
    },
    all: () => [...base, ...[...entries.values()].flatMap(({ wants }) => wants)],
    reach: (peer) => entries.get(peer)?.reach,
    keysOf: (peer) => (entries.get(peer)?.wants ?? []).map(({ object }) => keyOf(object)),
  };
}
