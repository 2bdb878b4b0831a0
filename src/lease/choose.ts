/**
 * lease/ decides which subnet a node claims (choose.ts, pure) and holds it (hold.ts). It knows leases and the Store interface;
 * it must not know backends, the kernel or how the store is reached.
 */
import { type Ip, overlaps, type Prefix, sameIp, samePrefix, sizeOf } from '../model/address.ts';
import type { Lease } from '../model/lease.ts';
import { type NetworkConfig, subnetCount } from '../model/network-config.ts';

/** What the choice may look at. `remembered`: subnets this node had before, best first. */
export interface Situation {
  readonly network: NetworkConfig;
  readonly leases: Iterable<Lease>;
  readonly nodeId: string;
  readonly publicIp: Ip;
  readonly remembered: readonly Prefix[];
  /** In [0, 1). */
  readonly random: () => number;
}

export type Choice =
  /** A live lease that is ours already: to be taken over, not claimed anew. */
  | { readonly kind: 'own'; readonly lease: Lease }
  /** Free subnets, in the order in which to try them. */
  | { readonly kind: 'free'; readonly subnets: readonly Prefix[] }
  | { readonly kind: 'exhausted'; readonly count: number };

/** Where flanneld looks: a random one of the first hundred free subnets, so that nodes starting together seldom collide. */
const WINDOW = 100;

/** Whether a subnet is one that this config would hand out. */
export const fits = (network: NetworkConfig, subnet: Prefix): boolean =>
  subnet.family === 4 &&
  subnet.length === network.subnetLength &&
  subnet.address >= network.subnetMin.value &&
  subnet.address <= network.subnetMax.value;

/** Our lease: by node id; where the lease has none (flanneld wrote it), its public address stands in. */
export function ownLease(leases: Iterable<Lease>, nodeId: string, publicIp: Ip): Lease | undefined {
  let byAddress: Lease | undefined;
  for (const lease of leases) {
    if (lease.nodeId === nodeId) return lease;
    if (lease.nodeId === undefined && sameIp(lease.publicIp, publicIp)) byAddress ??= lease;
  }
  return byAddress;
}

const indexOf = (network: NetworkConfig, address: bigint): number =>
  Number((address - network.subnetMin.value) >> BigInt(32 - network.subnetLength));

/** Indexes on the grid that a lease of any length occupies. */
function occupied({ network, leases }: Situation): Set<number> {
  const taken = new Set<number>();
  const last = subnetCount(network) - 1;
  for (const { subnet } of leases) {
    if (!overlaps(network.network, subnet)) continue;
    const from = Math.max(0, indexOf(network, subnet.address));
    const to = Math.min(last, indexOf(network, subnet.address + sizeOf(subnet) - 1n));
    for (let index = from; index <= to; index++) taken.add(index);
  }
  return taken;
}

const subnetAt = (network: NetworkConfig, index: number): Prefix => ({
  family: 4,
  address: network.subnetMin.value + (BigInt(index) << BigInt(32 - network.subnetLength)),
  length: network.subnetLength,
});

function firstFree(network: NetworkConfig, taken: ReadonlySet<number>): Prefix[] {
  const free: Prefix[] = [];
  const count = subnetCount(network);
  for (let index = 0; index < count && free.length < WINDOW; index++)
    if (!taken.has(index)) free.push(subnetAt(network, index));
  return free;
}

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

/** The subnet to hold: our own live lease, else one we had before if it is free, else any free one. */
export function choose(situation: Situation): Choice {
  const { network, nodeId, publicIp, remembered, random } = situation;
  const leases = [...situation.leases];
  const own = ownLease(leases, nodeId, publicIp);
  if (own && fits(network, own.subnet)) return { kind: 'own', lease: own };
  const taken = occupied({ ...situation, leases: leases.filter((lease) => lease !== own) });
  const former = remembered.filter((subnet) => fits(network, subnet) && !taken.has(indexOf(network, subnet.address)));
  const others = shuffle(firstFree(network, taken), random).filter(
    (subnet) => !former.some((prefix) => samePrefix(prefix, subnet)),
  );
  const subnets = [...former, ...others];
  return subnets.length > 0 ? { kind: 'free', subnets } : { kind: 'exhausted', count: subnetCount(network) };
}
