/**
 * forwarder/ moves raw IPv4 packets between a TUN device and UDP datagrams (flannel's udp wire format: one inner packet is one
 * datagram's payload). It knows packets, checksums, ICMP and sockets. It must not know etcd, leases or how the device came to be:
 * kernel/linux makes the device, the daemon hands in the table.
 */
import type { Carrier, Forward } from '../kernel/state.ts';
import type { CarrierReport, ForwarderCounters } from '../model/carrier-report.ts';

/** The running data plane of one carrier. */
export interface Forwarder {
  /** Starts, or starts anew when the carrier differs from the running one; resolves when packets flow. */
  start(carrier: Carrier): Promise<void>;
  /** Replaces the whole table; takes effect within a millisecond without losing packets. */
  setForwards(forwards: readonly Forward[]): void;
  /** What runs now; `undefined` when nothing does (or the worker died). */
  running(): { readonly carrier: Carrier; readonly forwards: readonly Forward[] } | undefined;
  /** Calls `listener` each time that what ran has ended by itself, as when its device is deleted; returns what ends that. */
  onEnd(listener: () => void): () => void;
  counters(): ForwarderCounters | undefined;
  report(): CarrierReport | undefined;
  /** Ends it with all that is its own (worker, programs, pins); the (persistent) device stays. */
  stop(): Promise<void>;
}
