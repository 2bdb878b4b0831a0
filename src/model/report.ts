import type { Traffic } from './carrier-report.ts';

/** Whether a peer's node answers through the network, by the last requests sent to it. */
export interface PeerLiveness {
  /** `loses`: some requests are lost; `one-way`: packets come from it, but do not get there and back; `unknown`: not asked long enough. */
  readonly verdict: 'answers' | 'loses' | 'one-way' | 'silent' | 'unknown';
  readonly asked: number;
  readonly lost: number;
  /** Median round trip, in microseconds. */
  readonly rttMicros?: number;
  readonly detail?: string;
}

/** Inner packets exchanged with a peer since the carrier started, and those in its name that the source check refused. */
export interface RouteTraffic {
  readonly sent: Traffic;
  readonly received: Traffic;
  readonly refused: number;
}

/** One line of `routes` and `leases`: etcd and kernel joined. Everything is rendered from numbers. */
export interface RouteRow {
  readonly key: string;
  readonly subnet: string;
  readonly node: string;
  readonly publicIp: string;
  readonly backend: string;
  readonly state: 'this node' | 'ok' | 'missing' | 'blocked' | 'unreachable' | 'foreign' | 'rejected';
  readonly device?: string;
  readonly nextHop?: string;
  readonly detail?: string;
  /** Decimal; "0" is a reservation. */
  readonly leaseId?: string;
  /** Seconds since the last renewal and until the end, where etcd told. */
  readonly age?: number;
  readonly left?: number;
  /** Where a daemon runs that asks its peers. */
  readonly liveness?: PeerLiveness;
  /** Where the backend counts by peer (udp). */
  readonly traffic?: RouteTraffic;
}

/** A line of the daemon's log. */
export interface DaemonEvent {
  /** RFC 3339. */
  readonly at: string;
  /** A stable name, as `subnet-changed`. */
  readonly event: string;
  readonly detail: string;
}

/** How much of the network is leased. */
export interface Usage {
  readonly leased: number;
  /** Subnets the config can hand out. */
  readonly count: number;
}

/** From this part on somebody has to think of what comes next. */
const NEARLY_ALL = 0.8;

export const isNearlyFull = ({ leased, count }: Usage): boolean => leased >= count * NEARLY_ALL;

/** `12 of 255 subnets are leased (4 %)`. */
export const usageText = ({ leased, count }: Usage): string =>
  `${leased} of ${count} subnets are leased (${Math.floor((100 * leased) / count)} %)`;

/** One thing that `status` looks at. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'degraded' | 'down';
  readonly detail: string;
}

/** What `status` shows. */
export interface StatusReport {
  readonly state: Check['state'];
  readonly checks: readonly Check[];
  /** Facts of the running daemon; absent when none runs. */
  readonly node?: NodeFacts;
}

/** A running node in words. */
export interface NodeFacts {
  readonly pid: number;
  readonly ready: boolean;
  readonly nodeId: string;
  readonly subnet: string;
  readonly network: string;
  readonly backend: string;
  readonly publicIp: string;
  readonly interface: string;
  /** Bytes. */
  readonly mtu: number;
  readonly peers: number;
  readonly uptimeSeconds: number;
  /** RFC 3339; present while the node lives by what it had on disk, etcd being away since its start. */
  readonly cachedAt?: string;
  /** Of the user-space forwarder, where one runs. */
  readonly counters?: unknown;
}

/** One line of `docker status`: what should be and what is. */
export interface DockerRow {
  readonly what: string;
  readonly state: Check['state'];
  /** Empty where nothing says what it should be. */
  readonly expected: string;
  readonly found: string;
  /** Commands that put it right. */
  readonly fix?: readonly string[];
}

/** What `docker status` shows; the worst row is the state of the whole. */
export interface DockerReport {
  readonly state: Check['state'];
  readonly rows: readonly DockerRow[];
}

/** The worst of these: one that is down makes the whole so. */
export const worstOf = (rows: readonly { readonly state: Check['state'] }[]): Check['state'] =>
  rows.some(({ state }) => state === 'down') ? 'down' : rows.some(({ state }) => state !== 'ok') ? 'degraded' : 'ok';
