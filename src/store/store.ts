import { failPoint } from '../fail-point.ts';
import type { Prefix } from '../model/address.ts';
import { printSubnetKey } from '../model/lease.ts';
import { parseNetworkConfig } from '../model/network-config.ts';
import type { Compare, KeyValue, Kv, Op, RangeResult } from './kv.ts';
import type { ConfigEntry } from './view.ts';
import { type Watcher, type WatcherOptions, watchPrefix } from './watcher.ts';

/** A lease key that was won: the etcd lease it lives on (0n for a reservation) and its revision. */
export interface HeldKey {
  readonly key: string;
  readonly leaseId: bigint;
  readonly modRevision: bigint;
}

/** flannel's schema above a Kv. Every write is a transaction guarded by what was read; the Kv's errors go through. */
export interface Store {
  readonly prefix: string;
  config(): Promise<ConfigEntry | undefined>;
  /** Writes the config if it is still at this revision (0n: absent); false when it is not. */
  putConfig(raw: string, expectedModRevision: bigint): Promise<boolean>;
  /** Everything under the prefix at one revision: feed it to a View. */
  snapshot(): Promise<RangeResult>;
  /** The key of a subnet as it stands. */
  read(subnet: Prefix): Promise<KeyValue | undefined>;
  /**
   * Takes a subnet, the first of these that is free, on a new etcd lease; `undefined` when others have them all. A lost answer is read
   * back.
   */
  claim(subnets: readonly Prefix[], value: string, ttlSeconds: number): Promise<HeldKey | undefined>;
  /** Takes a free subnet for good: its key has no TTL. `undefined` when it is not free. */
  reserve(subnet: Prefix, value: string): Promise<HeldKey | undefined>;
  /** Rewrites a key that is still at `expected`; `leaseId` 0n keeps it without TTL. `undefined` when it has changed meanwhile. */
  update(
    expected: { readonly key: string; readonly modRevision: bigint },
    value: string,
    leaseId: bigint,
  ): Promise<HeldKey | undefined>;
  /** Seconds left after a renewal; 0 when the etcd lease is gone. */
  keepAlive(leaseId: bigint): Promise<number>;
  /** Seconds left and granted; left -1 when the etcd lease is gone. */
  timeToLive(leaseId: bigint): Promise<{ left: number; granted: number }>;
  grant(ttlSeconds: number): Promise<bigint>;
  revoke(leaseId: bigint): Promise<void>;
  /** Deletes our key if it is still as we wrote it, and revokes its etcd lease. False when it was not ours any more. */
  release(held: HeldKey): Promise<boolean>;
  /** Follows everything under the prefix: see store/watcher.ts. */
  watch(options: WatcherOptions): Watcher;
  /** Our address has changed: connections are opened anew, watches go on over them. */
  reconnect(): void;
  close(): void;
}

const configKey = (prefix: string): string => `${prefix}/config`;
const leaseKey = (prefix: string, subnet: Prefix): string => `${prefix}/subnets/${printSubnetKey(subnet)}`;

const readKey = async (kv: Kv, key: string): Promise<KeyValue | undefined> =>
  (await kv.range(key, { exact: true })).kvs[0];

/**
 * A write whose answer was lost may have happened: reads the key back and compares. The caller's value carries its node id, so an
 * equal value on the lease we granted can only be ours.
 */
async function writeOnce(
  kv: Kv,
  compares: readonly Compare[],
  op: Extract<Op, { op: 'put' }>,
): Promise<HeldKey | undefined> {
  const leaseId = op.lease ?? 0n;
  try {
    const { succeeded, revision } = await kv.txn(compares, [op]);
    return succeeded ? { key: op.key, leaseId, modRevision: revision } : undefined;
  } catch (error) {
    const now = await readKey(kv, op.key).catch(() => undefined);
    if (now?.value === op.value && now.lease === leaseId) return { key: op.key, leaseId, modRevision: now.modRevision };
    throw error;
  }
}

/** The first of these keys that is free, on one etcd lease for all tries. */
async function claim(kv: Kv, keys: readonly string[], value: string, ttlSeconds: number): Promise<HeldKey | undefined> {
  const lease = await kv.grant(ttlSeconds);
  failPoint('lease-granted');
  let held: HeldKey | undefined;
  try {
    for (const key of keys) {
      held = await writeOnce(kv, [{ target: 'create', key, revision: 0n }], { op: 'put', key, value, lease });
      if (held) break;
    }
    return held;
  } finally {
    if (!held) await kv.revoke(lease).catch(() => undefined);
  }
}

const reserveKey = (kv: Kv, key: string, value: string): Promise<HeldKey | undefined> =>
  writeOnce(kv, [{ target: 'create', key, revision: 0n }], { op: 'put', key, value });

async function release(kv: Kv, { key, leaseId, modRevision }: HeldKey): Promise<boolean> {
  try {
    const { succeeded } = await kv.txn([{ target: 'mod', key, revision: modRevision }], [{ op: 'delete', key }]);
    if (leaseId !== 0n) await kv.revoke(leaseId).catch(() => undefined);
    return succeeded;
  } catch (error) {
    // The answer was lost. What still hangs on our etcd lease goes with it.
    if (leaseId === 0n) throw error;
    await kv.revoke(leaseId);
    return (await readKey(kv, key)) === undefined;
  }
}

async function putConfig(kv: Kv, key: string, value: string, revision: bigint): Promise<boolean> {
  const guard: Compare = revision === 0n ? { target: 'create', key, revision } : { target: 'mod', key, revision };
  return (await writeOnce(kv, [guard], { op: 'put', key, value })) !== undefined;
}

async function config(kv: Kv, key: string): Promise<ConfigEntry | undefined> {
  const entry = await readKey(kv, key);
  return entry && { raw: entry.value, modRevision: entry.modRevision, parsed: parseNetworkConfig(entry.value) };
}

/** The store under this prefix (without a trailing slash). Closing it closes the Kv. */
export function openStore(kv: Kv, prefix: string): Store {
  return {
    prefix,
    config: () => config(kv, configKey(prefix)),
    putConfig: (raw, revision) => putConfig(kv, configKey(prefix), raw, revision),
    snapshot: () => kv.range(`${prefix}/`),
    read: (subnet) => readKey(kv, leaseKey(prefix, subnet)),
    claim(subnets, value, ttlSeconds) {
      const keys = subnets.map((subnet) => leaseKey(prefix, subnet));
      return claim(kv, keys, value, ttlSeconds);
    },
    reserve: (subnet, value) => reserveKey(kv, leaseKey(prefix, subnet), value),
    update: ({ key, modRevision }, value, lease) =>
      writeOnce(kv, [{ target: 'mod', key, revision: modRevision }], {
        op: 'put',
        key,
        value,
        ...(lease !== 0n && { lease }),
      }),
    keepAlive: (leaseId) => kv.keepAliveOnce(leaseId),
    timeToLive: (leaseId) => kv.timeToLive(leaseId),
    grant: (ttlSeconds) => kv.grant(ttlSeconds),
    revoke: (leaseId) => kv.revoke(leaseId),
    release: (held) => release(kv, held),
    watch: (options) => watchPrefix(kv, `${prefix}/`, options),
    reconnect: () => kv.reconnect?.(),
    close: () => kv.close(),
  };
}
