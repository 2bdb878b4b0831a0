/** The objects of the source check of kernel backends: a table of the packet filter, and what it lets in for each peer. */
import type { Ip, Prefix } from '../model/address.ts';
import type { SourceCheck } from '../model/backend-config.ts';
import type { Mac } from '../model/mac.ts';

/** What the check is made for. */
export interface GuardSettings {
  readonly check: Exclude<SourceCheck, 'off'>;
  /** The network all peers share, and our own part of it. */
  readonly network: Prefix;
  readonly subnet: Prefix;
  /** Name of the interface that leads to the peers. */
  readonly underlay: string;
  /** Of vxlan; absent where no packet comes through a tunnel. */
  readonly tunnel?: { readonly device: string; readonly port: number; readonly vni: number };
}

/** Our table of the packet filter; without a {@link Source} it lets nothing in that claims to come from the network. */
export interface Guard {
  readonly kind: 'guard';
  /** Seen: absent when they cannot be read any more. */
  readonly settings?: GuardSettings;
  /** Seen: in which way it is not what was made. */
  readonly damage?: string;
}

/** Packets with a source in `subnet` are let in if they come from the peer that leases it. */
export interface Source {
  readonly kind: 'source';
  readonly subnet: Prefix;
  /** The tunnelled frame is from this MAC, */
  readonly mac?: Mac;
  /** and its datagram from this address. */
  readonly outer?: Ip;
  /** Comes over the underlay itself, without a tunnel. */
  readonly direct: boolean;
}
