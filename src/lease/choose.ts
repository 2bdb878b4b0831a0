/**
 * lease/ decides which subnet a node claims (choose.ts, pure) and holds it (hold.ts). It knows leases and the Store interface;
 * it must not know backends, the kernel or how the store is reached.
 */
import { type Ip, overlaps, type Prefix, sameIp, samePrefix, sizeOf } from '../model/address.ts';
import type { Lease } from '../model/lease.ts';
import { type NetworkConfig, subnetCount } from '../model/network-config.ts';
import type { Usage } from '../model/report.ts';

/** What the choice may look at. `remembered`: subnets this node had before, best first. */
export interface Situation {
  readonly network: NetworkConfig;
  readonly leases: Iterable<Lease>;
  /** Subnets whose keys are there with a value that nobody believes: they cannot be claimed, and keep no other subnet from it. */
  readonly refused: Iterable<Prefix>;
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

/** One of so many free subnets is taken at random, so that nodes starting together seldom collide (flanneld: of the first hundred). */
const WINDOW = 1_000;

/** Whether a subnet is one that this config would hand out. */
export const fits = (network: NetworkConfig, subnet: Prefix): boolean =>
  subnet.family === 4 &&
  subnet.length === network.subnetLength &&
  subnet.address >= network.subnetMin.value &&
  subnet.address <= network.subnetMax.value;

/** A key without a lease of etcd's lives for ever: it was reserved. */
export const isReserved = ({ etcd }: Lease): boolean => etcd.leaseId === '0';

/** A reservation says which subnet the node is to have; else the first one stands. */
const isBetter = (lease: Lease, than: Lease | undefined): boolean => !than || (isReserved(lease) && !isReserved(than));

/** How much of the network is leased. */
export const usageOf = (network: NetworkConfig, leases: Iterable<Lease>): Usage => ({
  leased: [...leases].filter(({ subnet }) => fits(network, subnet)).length,
  count: subnetCount(network),
});

/**
 * Our lease of this network: by node id, a reservation before others; where the lease has none (flanneld wrote it, or it was
 * reserved by address), its public address stands in. A flanneld's lease
 * with an IPv6 subnet beside is left to it: we would not serve that.
 */
export function ownLease({ network, leases, nodeId, publicIp }: Situation): Lease | undefined {
  let byId: Lease | undefined;
  let byAddress: Lease | undefined;
  for (const lease of leases) {
    if (!fits(network, lease.subnet)) continue;
    if (lease.nodeId === nodeId && isBetter(lease, byId)) byId = lease;
    if (lease.nodeId === undefined && !lease.subnet6 && sameIp(lease.publicIp, publicIp) && isBetter(lease, byAddress))
      byAddress = lease;
  }
  return byId ?? byAddress;
}

/** Places on the grid of subnets, both ends included. */
interface Range {
  readonly from: number;
  readonly to: number;
}

const indexOf = (network: NetworkConfig, address: bigint): number =>
  Number((address - network.subnetMin.value) >> BigInt(32 - network.subnetLength));

/** What leases of any length occupy, in order; ranges may overlap. */
function occupied({ network, leases, refused }: Situation): Range[] {
  const rangeOf = (subnet: Prefix): Range => ({
    from: indexOf(network, subnet.address),
    to: indexOf(network, subnet.address + sizeOf(subnet) - 1n),
  });
  const believed = [...leases].filter(({ subnet }) => overlaps(network.network, subnet));
  const unusable = [...refused].filter((subnet) => fits(network, subnet));
  return [...believed.map(({ subnet }) => rangeOf(subnet)), ...unusable.map(rangeOf)].sort((a, b) => a.from - b.from);
}

const subnetAt = (network: NetworkConfig, index: number): Prefix => ({
  family: 4,
  address: network.subnetMin.value + (BigInt(index) << BigInt(32 - network.subnetLength)),
  length: network.subnetLength,
});

function firstFree(network: NetworkConfig, taken: readonly Range[]): Prefix[] {
  const free: Prefix[] = [];
  const count = subnetCount(network);
  let next = 0;
  for (const { from, to } of [...taken, { from: count, to: count }]) {
    for (; next < Math.min(from, count) && free.length < WINDOW; next++) free.push(subnetAt(network, next));
    next = Math.max(next, to + 1);
  }
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
  const { network, remembered, random } = situation;
  const own = ownLease(situation);
  if (own) return { kind: 'own', lease: own };
  const taken = occupied(situation);
  const isFree = (index: number) => !taken.some(({ from, to }) => from <= index && index <= to);
  const former = remembered.filter((subnet) => fits(network, subnet) && isFree(indexOf(network, subnet.address)));
  const others = shuffle(firstFree(network, taken), random).filter(
    (subnet) => !former.some((prefix) => samePrefix(prefix, subnet)),
  );
  const subnets = [...former, ...others];
  return subnets.length > 0 ? { kind: 'free', subnets } : { kind: 'exhausted', count: subnetCount(network) };
}
