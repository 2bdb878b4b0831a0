import type { Clock } from '../model/clock.ts';
import type { Lease } from '../model/lease.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import type { RangeResult } from '../store/kv.ts';
import type { Store } from '../store/store.ts';
import { createView, type View, type ViewChange } from '../store/view.ts';
import type { WatchState } from '../store/watcher.ts';

/** The view of etcd kept up to date, and what to do when it changes. */
export interface Follower {
  readonly view: View;
  /** Leases of others, by key. */
  peers(ownKey: string): ReadonlyMap<string, Lease>;
  start(handlers: FollowHandlers): void;
  connection(): WatchState;
  close(): void;
}

export interface FollowHandlers {
  /** Leases (by key) that differ now; `all` after a snapshot. */
  readonly changed: (change: ViewChange) => void;
  readonly log: (event: string, detail: string) => void;
}

const merge = (changes: readonly ViewChange[]): ViewChange => ({
  leases: [...new Set(changes.flatMap(({ leases }) => leases))],
  config: changes.some(({ config }) => config),
});

/** Follows from a snapshot that was read already; leases are judged by `network`, whatever the config in etcd becomes later. */
export function follow(store: Store, first: RangeResult, network: NetworkConfig, clock: Clock): Follower {
  const view = createView(store.prefix, network);
  view.reset(first.kvs);
  let connection: WatchState = { connected: true };
  let close = () => {};
  return {
    view,
    peers: (ownKey) => new Map([...view.leases()].filter(([key]) => key !== ownKey)),
    start({ changed, log }) {
      const watcher = store.watch({
        clock,
        random: Math.random,
        after: first,
        onSnapshot: (kvs) => changed(view.reset(kvs)),
        onEvents: (events) =>
          changed(
            merge(
              events.map((event) =>
                event.type === 'put' ? view.set(event.kv.key, event.kv) : view.set(event.key, undefined),
              ),
            ),
          ),
        onState: (state) => {
          if (state.connected !== connection.connected)
            log(state.connected ? 'etcd-connected' : 'etcd-lost', state.connected ? '' : state.error);
          connection = state;
        },
      });
      close = () => watcher.close();
    },
    connection: () => connection,
    close: () => close(),
  };
}

/** Leases of others in a store read now: what the reconciler asks for before it removes many peers. */
export async function freshPeers(
  store: Store,
  network: NetworkConfig,
  ownKey: string,
): Promise<ReadonlyMap<string, Lease>> {
  const view = createView(store.prefix, network);
  view.reset((await store.snapshot()).kvs);
  return new Map([...view.leases()].filter(([key]) => key !== ownKey));
}
