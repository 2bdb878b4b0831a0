/**
 * backend/ turns "who leases what" into the kernel objects a node wants: pure functions, one file a backend, shared parts (rules,
 * subnet.env, sysctls) in contributors of their own. It must not know how objects are made, nor where leases come from.
 */

import type { FilterFacts, KernelObject } from '../kernel/state.ts';
import type { Ip, Prefix } from '../model/address.ts';
import type { BackendConfig, CarrierWish } from '../model/backend-config.ts';
import type { GatewayMode, Lease, PeerData } from '../model/lease.ts';
import type { Mac } from '../model/mac.ts';
import type { NetworkConfig } from '../model/network-config.ts';

/** What a backend may know about this host. */
export interface Host {
  readonly nodeId: string;
  /** The underlay interface: name, MTU in bytes, its address and the prefixes reachable on it without a gateway. */
  readonly iface: { readonly name: string; readonly mtu: number; readonly ip: Ip; readonly onLink: readonly Prefix[] };
  readonly publicIp: Ip;
  /** Fingerprint of this machine, where it has one. */
  readonly hostId?: string;
  readonly filter: FilterFacts;
  readonly ipMasq: boolean;
  /** false: MASQUERADE without --random-fully. */
  readonly randomFully?: boolean;
  /** false: no rules of ours accept what is forwarded. */
  readonly forwardRules?: boolean;
  /** Hosts from outside the network reach containers by way of this node. */
  readonly gateway?: GatewayMode;
  /** Peers behind a path that takes smaller packets than containers send: the largest that pass, in bytes. */
  readonly narrow?: readonly { readonly subnet: Prefix; readonly mtu: number }[];
  /** The MAC that a device keeps which was another program's before. */
  readonly vtep?: { readonly device: string; readonly mac: Mac };
  /** Carrier of backend udp on this node, whatever the config says; absent: as it says. */
  readonly udpCarrier?: CarrierWish;
  readonly subnetFile: string;
  /** Some foreign route holds the network's own prefix (docker0 still on 172.17.0.0/16): routes go per peer. */
  readonly wideRouteTaken: boolean;
  /** Some foreign route leads into the network: a peer needs a route of its own, or the narrower one would take its packets. */
  readonly routePerPeer: boolean;
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

/** All that the wanted state of one node depends on, peers apart. */
export interface Scene {
  readonly self: Self;
  readonly host: Host;
  readonly network: NetworkConfig;
}

/** The scene of one backend: `config` is its own part of the network config. */
export interface Context<C extends BackendConfig> extends Scene {
  readonly config: C;
}

/** One way to carry packets between nodes. `C` is its part of the config. */
export interface Backend<C extends BackendConfig = BackendConfig> {
  readonly type: C['type'];
  /** What our lease tells the peers. */
  announce(host: Pick<Host, 'nodeId' | 'vtep'>, config: C): PeerData;
  /** Name of the device that packets to the peers go into; undefined: the underlay itself. */
  device(config: C): string | undefined;
  /** MTU for containers, in bytes. */
  mtu(host: Pick<Host, 'iface'>, config: C): number;
  /** Objects that do not depend on any peer. */
  base(context: Context<C>): readonly KernelObject[];
  /** Objects for one peer. */
  peer(lease: Lease, context: Context<C>): PeerDesire;
}
