/**
 * backend/ turns "who leases what" into the kernel objects a node wants: pure functions, one file a backend, shared parts (rules,
 * subnet.env, sysctls) in contributors of their own. It must not know how objects are made, nor where leases come from.
 */

import type { FilterFacts, KernelObject } from '../kernel/state.ts';
import type { Ip, Prefix } from '../model/address.ts';
import type { BackendConfig } from '../model/backend-config.ts';
import type { Lease, PeerData } from '../model/lease.ts';
import type { NetworkConfig } from '../model/network-config.ts';

/** What a backend may know about this host. */
export interface Host {
  readonly nodeId: string;
  /** The underlay interface: name, MTU in bytes, its address and the prefixes reachable on it without a gateway. */
  readonly iface: { readonly name: string; readonly mtu: number; readonly ip: Ip; readonly onLink: readonly Prefix[] };
  readonly publicIp: Ip;
  readonly filter: FilterFacts;
  readonly ipMasq: boolean;
  readonly subnetFile: string;
  /** Some foreign route holds the network's own prefix (docker0 still on 172.17.0.0/16): routes go per peer. */
  readonly wideRouteTaken: boolean;
}

/** Our own part of the network. */
export interface Self {
  readonly subnet: Prefix;
}

/** How one peer is reached, for people. */
export interface Reach {
  readonly device?: string;
  readonly nextHop?: Ip;
  /** Why it cannot be reached. */
  readonly problem?: string;
}

export interface PeerDesire {
  readonly objects: readonly KernelObject[];
  readonly reach: Reach;
}

/** One way to carry packets between nodes. `C` is its part of the config. */
export interface Backend<C extends BackendConfig = BackendConfig> {
  readonly type: C['type'];
  /** What our lease tells the peers. */
  announce(host: Pick<Host, 'nodeId'>, config: C): PeerData;
  /** MTU for containers, in bytes. */
  mtu(host: Pick<Host, 'iface'>, config: C): number;
  /** Objects that do not depend on any peer. */
  base(self: Self, host: Host, network: NetworkConfig, config: C): readonly KernelObject[];
  /** Objects for one peer. */
  peer(self: Self, lease: Lease, host: Host, network: NetworkConfig, config: C): PeerDesire;
}
