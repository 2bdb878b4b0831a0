import type { Self } from './judge.ts';

/** The open files of a running carrier; all are non-blocking and closed on exec. */
export interface Descriptors {
  readonly tun: number;
  /** UDP, bound to the carrier's address and port. */
  readonly udp: number;
  /** Raw IPv4, send only: our ICMP errors to this host's own containers. */
  readonly raw: number;
  /** An eventfd: readable means stop. */
  readonly wake: number;
}

/** What the kernel does for many packets at once; each can be missing from an older one. */
export interface Offloads {
  /** The device gives and takes TCP super-packets and leaves checksums to us (TUN_F_CSUM, TUN_F_TSO4). */
  readonly tcp: boolean;
  /** The same for UDP (TUN_F_USO4, Linux 6.2). */
  readonly udp: boolean;
  /** The socket cuts a message into datagrams (UDP_SEGMENT, Linux 4.18). */
  readonly segment: boolean;
  /** The socket joins datagrams into one message (UDP_GRO, Linux 5.0). */
  readonly gro: boolean;
}

export const ALL_OFFLOADS: Offloads = { tcp: true, udp: true, segment: true, gro: true };

/** What the daemon's thread hands to the worker: plain values, and memory that both see. */
export interface Job {
  readonly fds: Descriptors;
  readonly offloads: Offloads;
  readonly self: Self;
  /** Address the UDP socket is bound to. */
  readonly local: number;
  readonly table: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
}
