import { TsflannelError } from '../errors.ts';
import { type Ip, type Prefix, printIp, printPrefix, samePrefix } from '../model/address.ts';
import type { Lease } from '../model/lease.ts';
import { NODE_ID, nodeIdIn, parseSubnetKey } from '../model/lease.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import type { KeyValue } from '../store/kv.ts';
import { parseLeaseKv } from '../store/lease-kv.ts';
import type { Store } from '../store/store.ts';
import { fits } from './choose.ts';

/** A lease key with its times, in seconds. */
export interface TimedLease {
  readonly kv: KeyValue;
  readonly subnet: Prefix;
  /** What it says, if that is a lease at all. */
  readonly lease?: Lease;
  /** Since its last renewal, and what a renewal gives; `undefined` for a reservation. */
  readonly age?: number;
  readonly ttl?: number;
}

const nameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

async function timed(store: Store, kv: KeyValue, subnet: Prefix): Promise<TimedLease> {
  const parsed = parseLeaseKv(kv);
  const base = { kv, subnet, ...(parsed.ok && { lease: parsed.value }) };
  if (kv.lease === 0n) return base;
  const { left, granted } = await store.timeToLive(kv.lease);
  return left < 0 ? base : { ...base, age: granted - left, ttl: granted };
}

/** The lease keys of these subnets, or of all; one request more for each. */
export async function timedLeases(store: Store, only?: Prefix): Promise<readonly TimedLease[]> {
  const { kvs } = await store.snapshot();
  const found = kvs.flatMap((kv) => {
    const subnet = kv.key.startsWith(`${store.prefix}/subnets/`) ? parseSubnetKey(nameOf(kv.key))?.subnet : undefined;
    return subnet && (!only || samePrefix(subnet, only)) ? [{ kv, subnet }] : [];
  });
  return Promise.all(found.map(({ kv, subnet }) => timed(store, kv, subnet)));
}

/**
 * Whether nobody renews it any more: for longer than `olderThan` seconds, else for more than half of its time. A node of ours renews
 * every ten minutes at least; flanneld (no NodeID) once a day, so its leases are dead only by a time that was given.
 */
export function isDead({ age, ttl, lease }: TimedLease, olderThan?: number): boolean {
  if (age === undefined || ttl === undefined) return false;
  if (olderThan !== undefined) return age > olderThan;
  return lease?.nodeId !== undefined && age > ttl / 2;
}

/** Deletes the key if it still is as it was looked at; false when it has changed. */
export const releaseTimed = (store: Store, { kv }: TimedLease): Promise<boolean> =>
  store.release({ key: kv.key, leaseId: kv.lease, modRevision: kv.modRevision });

/** Whom a subnet is kept for: a node that is known (by id, the beginning of it, or name), or an address. */
export interface ReserveFor {
  readonly node?: string;
  readonly publicIp?: Ip;
}

function nodeOf(all: readonly TimedLease[], { node }: ReserveFor): Lease | undefined {
  if (node === undefined) return undefined;
  const leases = all.flatMap(({ lease }) => lease ?? []);
  const found = leases.filter(({ nodeId, nodeName }) => nodeName === node || (nodeId?.startsWith(node) ?? false));
  const ids = new Set(found.map(({ nodeId }) => nodeId));
  if (ids.size > 1) throw new TsflannelError('NODE_UNKNOWN', { node, detail: `${ids.size} nodes are named so` });
  return found[0];
}

/** The value of a reservation: flannel's fields, and whose it is. What a node has said there already stays. */
function reservation(own: TimedLease | undefined, known: Lease | undefined, wish: ReserveFor): string {
  if (own) return own.kv.value;
  const publicIp = wish.publicIp ?? known?.publicIp;
  const nodeId = known?.nodeId ?? wish.node;
  if (!publicIp || (nodeId !== undefined && !NODE_ID.test(nodeId)))
    throw new TsflannelError('NODE_UNKNOWN', { node: wish.node ?? '', detail: 'no live lease names it' });
  return JSON.stringify({
    PublicIP: printIp(publicIp),
    PublicIPv6: null,
    ...(nodeId !== undefined && { NodeID: nodeId }),
    ...(known?.nodeName !== undefined && { NodeName: known.nodeName }),
  });
}

const belongsTo = ({ kv, lease }: TimedLease, known: Lease | undefined, { publicIp, node }: ReserveFor): boolean => {
  const holder = nodeIdIn(kv.value);
  if (holder !== undefined && node !== undefined) return holder === (known?.nodeId ?? node);
  return lease !== undefined && publicIp !== undefined && printIp(lease.publicIp) === printIp(publicIp);
};

/**
 * Keeps a subnet for a node: a key without TTL, in flannel's format. A lease that the node holds there already loses its TTL.
 * Throws SUBNET_TAKEN, SUBNET_UNFIT, NODE_UNKNOWN. Resolves to whether something was written.
 */
export async function reserve(
  store: Store,
  network: NetworkConfig,
  subnet: Prefix,
  wish: ReserveFor & { readonly dryRun?: boolean },
): Promise<boolean> {
  if (!fits(network, subnet))
    throw new TsflannelError('SUBNET_UNFIT', { subnet: printPrefix(subnet), network: printPrefix(network.network) });
  const all = await timedLeases(store);
  const known = nodeOf(all, wish);
  const there = all.find((each) => samePrefix(each.subnet, subnet));
  const taken = () => new TsflannelError('SUBNET_TAKEN', { subnet: printPrefix(subnet) });
  if (there && !belongsTo(there, known, wish)) throw taken();
  if (there?.kv.lease === 0n) return false;
  if (wish.dryRun) return true;
  const value = reservation(there, known, wish);
  const written = there ? await store.update(there.kv, value, 0n) : await store.reserve(subnet, value);
  if (!written) throw taken();
  return true;
}
