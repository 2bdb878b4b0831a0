/** Datagrams of `size` bytes of payload, `rate` a second. */
export interface UdpLoad {
  readonly size: number;
  readonly rate: number;
}

export interface TcpFigures {
  readonly streams: number;
  /** Payload that arrived after the first moments, all streams together. */
  readonly bitsPerSecond: number;
  readonly retransmits: number;
  /** CPU time of all machines involved, all their programs and interrupts counted, for 10^9 bytes of payload. */
  readonly cpuSecondsPerGb: number;
}

export interface UdpFigures extends UdpLoad {
  /** Datagrams the sender got rid of, and how many that was a second: less than `rate` where the sender was held up. */
  readonly sent: number;
  readonly sentRate: number;
  readonly received: number;
  /** Datagrams the receiving socket had no room for: lost, but not on the path. Part of `lost`. */
  readonly overflowed: number;
  /** Share of the sent ones, 0 to 1. */
  readonly lost: number;
}

/** Microseconds. */
export interface RoundTripFigures {
  readonly count: number;
  readonly unanswered: number;
  readonly least: number;
  readonly median: number;
  readonly p99: number;
}

/** What was found out about one path. */
export interface PathFigures {
  readonly name: string;
  /** Dotted. */
  readonly from: string;
  readonly to: string;
  /** Bytes of the largest packet. */
  readonly mtu: number;
  readonly tcp: readonly TcpFigures[];
  readonly udp: readonly UdpFigures[];
  readonly roundTrip?: RoundTripFigures;
}

/** What a client found out. */
export interface BenchReport {
  /** Of the running daemon, where there is one. */
  readonly backend?: string;
  /** In the server's order; the last one is what the others are compared with. */
  readonly paths: readonly PathFigures[];
  /** Both ends are on one machine, whose CPU time is that of both. */
  readonly sameMachine: boolean;
}
