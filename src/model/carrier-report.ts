/** What a carrier of backend udp tells of itself: who counts and who shows agree on it here. */
import type { Ip, Prefix } from './address.ts';
import type { CarrierType } from './backend-config.ts';

/** Inner packets and their bytes. */
export interface Traffic {
  readonly packets: number;
  readonly bytes: number;
}

/** Why packets are dropped; a carrier's counters are in this order. */
export const DROP_REASONS = [
  'not-ip4',
  'truncated',
  'bad-checksum',
  'multicast',
  'own-subnet',
  'no-route',
  'ttl',
  'outer-source-unknown',
  'inner-source-foreign',
  'inner-destination-foreign',
  'too-big',
  'send-failed',
  'write-failed',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** What was exchanged with the peer that leases this subnet. */
export interface PeerTraffic {
  readonly subnet: Prefix;
  readonly sent: Traffic;
  readonly received: Traffic;
  /** Packets with a source in this subnet that the source check did not let in, and the outer address the last of them came from. */
  readonly refused: number;
  readonly refusedFrom?: Ip;
}

/** Since the carrier started. `peers`: one for each entry of the table, by its subnet. */
export interface ForwarderCounters {
  readonly sent: Traffic;
  readonly received: Traffic;
  readonly drops: Readonly<Record<DropReason, number>>;
  readonly peers: readonly PeerTraffic[];
}

/** What the source check of a kernel backend has counted since its table was made. `peers`: one for each source it lets in. */
export interface SourceCounters {
  readonly drops: Readonly<Partial<Record<DropReason, number>>>;
  readonly peers: readonly Omit<PeerTraffic, 'sent'>[];
}

/** Which carrier runs, for people. */
export interface CarrierReport {
  readonly type: CarrierType;
  /** In a few words: how it runs. */
  readonly how: string;
  /** Why not a better one. */
  readonly instead?: string;
}
