/**
 * probe/ measures the path between two nodes: throughput, loss, round trips, MTU, and the CPU time that takes. It knows sockets, threads
 * and clocks. It must not know backends, leases or etcd: it is told addresses, and what lies between them is not its business.
 * Both ends are told apart by who asks: the client asks, and the server answers; bulk data flows from client to server only. Everything
 * is bounded in time and ends by itself.
 */

import type { UdpLoad } from '../model/figures.ts';

/** One way to the same node. */
export interface Path {
  /** `overlay`, `underlay`. */
  readonly name: string;
  /** The server's IPv4 address on it, as a number. */
  readonly ip: number;
}

/** What is measured on each path. */
export interface Plan {
  /** Of each single measurement. */
  readonly seconds: number;
  /** Numbers of streams of TCP, one measurement each. */
  readonly tcp: readonly number[];
  readonly udp: readonly UdpLoad[];
  readonly roundTrip: boolean;
  /** Congestion control of TCP by the kernel's name, where not the system's. */
  readonly congestion?: string;
}

/** Bounds that both ends keep to. */
export const LIMITS = { seconds: 60, streams: 16, size: 65_507, rate: 10_000_000 } as const;

/** TCP port of the questions; measurements use the next one, by TCP and UDP. flanneld's udp has 8285. */
export const DEFAULT_PORT = 8286;
