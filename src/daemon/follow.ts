import type { Clock } from '../model/clock.ts';
import type { Lease } from '../model/lease.ts';
import type { Log } from '../model/log-events.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import { inTurns } from '../model/sliced.ts';
import type { RangeResult } from '../store/kv.ts';
import type { Store } from '../store/store.ts';
import { createView, type View, type ViewChange } from '../store/view.ts';
import type { WatchState } from '../store/watcher.ts';
import { createFold } from './fold.ts';

/** The view of etcd kept up to date, and what to do when it changes. */
export interface Follower {
  readonly view: View;
  /** Leases of others, by key. The map changes with the view. */
  peers(ownKey: string): ReadonlyMap<string, Lease>;
  start(handlers: FollowHandlers): void;
  connection(): WatchState;
  /** When etcd last sent a list or a change; undefined before that, when the view is from disk. */
  heardAt(): number | undefined;
  /** Everything as etcd said it, to be kept on disk. */
  seen(): RangeResult;
  close(): void;
}

export interface FollowHandlers {
  /** Leases (by key) that differ now; `all` after a snapshot. */
  readonly changed: (change: ViewChange) => void;
  /** Before that: the snapshot is of another store, or of an older state of it, than what was known. */
  readonly replaced: () => void;
  readonly log: Log;
}

/** It cannot come after what we know. */
const isAnother = (now: RangeResult, known: Pick<RangeResult, 'revision' | 'clusterId'>): boolean =>
  now.clusterId !== known.clusterId || now.revision < known.revision;

/** The view's leases without our own: one map that is kept up to date, since a change must not cost a copy of thousands. */
function othersIn(view: View) {
  let own: string | undefined;
  let others = new Map<string, Lease>();
  return {
    take({ leases }: ViewChange) {
      for (const key of leases) {
        const lease = key === own ? undefined : view.leases().get(key);
        if (lease) others.set(key, lease);
        else others.delete(key);
      }
    },
    of(ownKey: string): ReadonlyMap<string, Lease> {
      if (own !== ownKey) others = new Map([...view.leases()].filter(([key]) => key !== ownKey));
      own = ownKey;
      return others;
    },
  };
}

/** What following needs. */
export interface FollowParts {
  readonly store: Store;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Where a follower begins: a snapshot, from etcd or (then with why etcd is away) from disk. */
export interface FollowFrom {
  readonly first: RangeResult;
  readonly away?: string;
}

/** Leases are judged by `network`, whatever the config in etcd becomes later. After a snapshot from disk etcd's own is read first. */
export async function follow(
  parts: FollowParts,
  { first, away }: FollowFrom,
  network: NetworkConfig,
): Promise<Follower> {
  const { store, clock, random } = parts;
  const view = createView(store.prefix, network);
  await inTurns(view.resetting(first.kvs));
  const others = othersIn(view);
  let connection: WatchState =
    away === undefined ? { connected: true } : { connected: false, error: away, since: clock.now() };
  let heardAt = away === undefined ? clock.now() : undefined;
  let tell = (_: ViewChange): void => {};
  const fold = createFold(view, first, (change) => {
    heardAt = clock.now();
    others.take(change);
    tell(change);
  });
  let close = () => {};
  return {
    view,
    peers: others.of,
    start({ changed, replaced, log }) {
      tell = changed;
      const watcher = store.watch({
        clock,
        random,
        ...(away === undefined && { after: first }),
        onSnapshot(kvs, revision, clusterId) {
          const now = { kvs, revision, clusterId };
          if (isAnother(now, fold.seen())) replaced();
          fold.list(now);
        },
        onEvents: fold.events,
        // Connected: what is shown is what etcd has.
        onState: (state) => fold.afterwards(() => turn(state, log)),
      });
      close = () => {
        fold.close();
        watcher.close();
      };
    },
    connection: () => connection,
    heardAt: () => heardAt,
    seen: fold.seen,
    close: () => close(),
  };

  function turn(state: WatchState, log: Log): void {
    const turned = state.connected !== connection.connected;
    if (turned && state.connected) log('etcd-connected', '');
    if (turned && !state.connected) log('etcd-lost', state.error, state.code);
    connection = state;
  }
}

/** Leases of others in a store read now: what the reconciler asks for before it removes many peers. */
export async function freshPeers(
  store: Store,
  network: NetworkConfig,
  ownKey: string,
): Promise<ReadonlyMap<string, Lease>> {
  const view = createView(store.prefix, network);
  await inTurns(view.resetting((await store.snapshot()).kvs));
  return new Map([...view.leases()].filter(([key]) => key !== ownKey));
}
