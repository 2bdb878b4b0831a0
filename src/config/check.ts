import type { KernelState, Route } from '../kernel/state.ts';
import { containsPrefix, overlaps, type Prefix, printPrefix } from '../model/address.ts';
import type { BackendConfig } from '../model/backend-config.ts';
import type { Lease } from '../model/lease.ts';
import type { NetworkConfig } from '../model/network-config.ts';

/** What this host's routes say to a network. */
export interface Overlap {
  /** Routes that make the network unusable here, as text. */
  readonly conflicts: readonly string[];
  /** Overlaps that are expected, with what will happen. */
  readonly notes: readonly string[];
}

const describe = (route: Route, owner: string): string => `${printPrefix(route.dst)} dev ${route.device} (${owner})`;

/** The default route, also in the two halves that VPNs make of it, is no network of its own. */
const isDefault = ({ dst }: Route): boolean => dst.length <= 1;

/**
 * Routes of this host that share addresses with the network; docker0's is expected, as are those to this node's containers in the subnet
 * that it leases (`own`); the default route never counts.
 */
export function overlapsOf(network: Prefix, state: KernelState, own?: Prefix): Overlap {
  const conflicts: string[] = [];
  const notes: string[] = [];
  for (const { object, ours, owner } of state.values()) {
    if (object.kind !== 'route' || ours || isDefault(object) || !overlaps(network, object.dst)) continue;
    if (own && containsPrefix(own, object.dst)) continue;
    if (object.device === 'docker0') {
      notes.push(
        `docker0 is on ${printPrefix(object.dst)}, which lies in the network: 'tsflannel docker apply' re-addresses it`,
      );
    } else if (!/^flannel(?:0|\.\d+)$/.test(object.device)) conflicts.push(describe(object, owner));
  }
  return { conflicts, notes };
}

const backendText = (backend: BackendConfig): string => JSON.stringify(backend);

/** Why a live lease cannot live on under the new config; `undefined` when it can. */
function whyNot(lease: Lease, now: NetworkConfig, next: NetworkConfig): string | undefined {
  const subnet = printPrefix(lease.subnet);
  if (!containsPrefix(next.network, lease.subnet))
    return `${subnet} is leased and outside ${printPrefix(next.network)}`;
  if (lease.subnet.length !== next.subnetLength)
    return `${subnet} is leased, and subnets would be /${next.subnetLength}`;
  const { address } = lease.subnet;
  if (address < next.subnetMin.value || address > next.subnetMax.value)
    return `${subnet} is leased and outside SubnetMin to SubnetMax`;
  if (backendText(now.backend) === backendText(next.backend)) return undefined;
  if (now.backend.type !== next.backend.type)
    return `${subnet} is leased by a node that speaks ${now.backend.type}, not ${next.backend.type}`;
  return `${subnet} is leased by a node that uses the old options of ${now.backend.type}`;
}

/** The first reason why live leases cannot follow a change of the config. */
export function leaseConflict(now: NetworkConfig, next: NetworkConfig, leases: Iterable<Lease>): string | undefined {
  for (const lease of leases) {
    const reason = whyNot(lease, now, next);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
