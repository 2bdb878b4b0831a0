/**
 * forwarder/ moves raw IPv4 packets between a TUN device and UDP datagrams (flannel's udp wire format: one inner packet is one
 * datagram's payload). It knows packets, checksums, ICMP and sockets. It must not know etcd, leases or how the device came to be:
 * kernel/linux makes the device, the daemon hands in the table.
 */
import type { Carrier, Forward } from '../kernel/state.ts';
import type { Prefix } from '../model/address.ts';

/** Inner packets and their bytes. */
export interface Traffic {
  readonly packets: number;
  readonly bytes: number;
}

/** Since the carrier started. Drop reasons are fixed names. `peers`: one for each entry of the table, by its subnet. */
export interface ForwarderCounters {
  readonly sent: Traffic;
  readonly received: Traffic;
  readonly drops: Readonly<Record<DropReason, number>>;
  readonly peers: readonly { readonly subnet: Prefix; readonly sent: Traffic; readonly received: Traffic }[];
}

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

/** The running data plane of one carrier. */
export interface Forwarder {
  /** Starts, or starts anew when the carrier differs from the running one; resolves when packets flow. */
  start(carrier: Carrier): Promise<void>;
  /** Replaces the whole table; takes effect within a millisecond without losing packets. */
  setForwards(forwards: readonly Forward[]): void;
  /** What runs now; `undefined` when nothing does (or the worker died). */
  running(): { readonly carrier: Carrier; readonly forwards: readonly Forward[] } | undefined;
  counters(): ForwarderCounters | undefined;
  /** Ends the worker and closes its descriptors; the (persistent) device stays. */
  stop(): Promise<void>;
}
