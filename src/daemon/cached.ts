import type { NodeState } from '../files/node-state.ts';
import type { SavedView } from '../files/view-file.ts';
import type { Held } from '../lease/acquire.ts';
import { samePrefix } from '../model/address.ts';
import type { Clock } from '../model/clock.ts';
import type { Lease } from '../model/lease.ts';
import type { Log } from '../model/log-events.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import { accept, type Parsed, reject } from '../model/parsed.ts';
import { networkIn } from '../store/network.ts';
import { createView } from '../store/view.ts';
import type { Disk } from './disk.ts';

/** What a node that cannot reach etcd starts with: the network it was part of, and the subnet it held. */
export interface CachedStart {
  readonly saved: SavedView;
  readonly network: NetworkConfig;
  readonly held: Omit<Held, 'value' | 'ttlSeconds'>;
  /** Our lease as it was then. */
  readonly lease: Lease;
  /** The others' leases. */
  readonly peers: readonly Lease[];
}

const configOf = (saved: SavedView, prefix: string): NetworkConfig | undefined => {
  try {
    return networkIn(saved.kvs, prefix);
  } catch {
    return undefined;
  }
};

/** Whether this view is that of this node, and holds the subnet that it held last. */
export function judgeView(saved: SavedView, state: NodeState, prefix: string): Parsed<CachedStart> {
  const refuse = (detail: string) => reject('VIEW_FILE', 'view.json', detail);
  if (saved.prefix !== prefix) return refuse('it is of another etcd prefix');
  if (saved.nodeId !== state.nodeId) return refuse('it is of another node');
  const network = configOf(saved, prefix);
  if (!network) return refuse('it has no valid network config');
  const view = createView(prefix, network);
  view.reset(saved.kvs);
  const { subnet } = state;
  const own = [...view.leases().values()].find(
    (lease) => lease.nodeId === state.nodeId && subnet !== undefined && samePrefix(lease.subnet, subnet),
  );
  if (!own) return refuse('the subnet this node held is not in it');
  const { key, leaseId, modified } = own.etcd;
  const held = { key, leaseId: BigInt(leaseId), modRevision: BigInt(modified), subnet: own.subnet, resumed: true };
  const peers = [...view.leases().values()].filter((lease) => lease !== own);
  return accept({ saved, network, held, lease: own, peers });
}

/** The view on disk, if a node may start with it; why not goes to the log. */
export async function readCached(
  state: NodeState,
  from: { readonly disk: Pick<Disk, 'readView'>; readonly prefix: string },
  log: Log,
): Promise<CachedStart | undefined> {
  const read = await from.disk.readView().catch(() => reject('VIEW_FILE', 'view.json', 'it cannot be read'));
  if (!read) return undefined;
  const judged = read.ok ? judgeView(read.value, state, from.prefix) : read;
  if (judged.ok) return judged.value;
  log('cache-refused', `the view on disk is not used: ${judged.rejection.detail}`);
  return undefined;
}

/** Keeps the view on disk near the one in memory. */
export interface ViewKeeper {
  /** Something changed: it is written at once if the last write is some seconds ago, else then. */
  changed(): void;
  /** Writes what is not written yet; the keeper rests then. */
  close(): Promise<void>;
}

export interface KeeperOptions {
  readonly disk: Pick<Disk, 'keepView'>;
  readonly clock: Clock;
  /** `undefined`: there is nothing new to keep. */
  readonly content: () => SavedView | undefined;
  readonly log: Log;
}

const PAUSE_MS = 2_000;

/** A write that fails is said once and tried again with the next change; the daemon does not need it. */
export function keepView({ disk, clock, content, log }: KeeperOptions): ViewKeeper {
  let dirty = false;
  let closed = false;
  let complained = false;
  let waiting: (() => void) | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    dirty = false;
    try {
      const view = content();
      if (view) await disk.keepView(view);
      complained = false;
    } catch (error) {
      if (!complained) log('cache-failed', error instanceof Error ? error.message : String(error));
      complained = true;
    }
  }

  function start(): void {
    waiting = clock.after(PAUSE_MS, () => {
      waiting = undefined;
      if (dirty && !closed) start();
    });
    writing = writing.then(write);
  }

  return {
    changed() {
      dirty = true;
      if (!waiting && !closed) start();
    },
    async close() {
      closed = true;
      waiting?.();
      await writing;
      if (dirty) await write();
    },
  };
}
