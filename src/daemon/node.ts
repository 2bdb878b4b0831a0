import type { Host } from '../backend/backend.ts';
import type { NodeState } from '../files/node-state.ts';
import type { Kernel } from '../kernel/state.ts';
import type { Holder } from '../lease/hold.ts';
import type { EchoPort, Liveness } from '../liveness/liveness.ts';
import type { CarrierReport, ForwarderCounters } from '../model/carrier-report.ts';
import type { Clock } from '../model/clock.ts';
import type { Lease } from '../model/lease.ts';
import type { Log } from '../model/log-events.ts';
import type { Check } from '../model/report.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import type { Store } from '../store/store.ts';
import type { ViewKeeper } from './cached.ts';
import type { Disk } from './disk.ts';
import type { Events } from './events.ts';
import type { Follower } from './follow.ts';
import type { NodeOptions } from './options.ts';
import type { Turns } from './turns.ts';

/** Something of this host that follows the lease; slow, and never awaited but at the end. */
export interface LeaseFollower {
  /** What subnet.env says now (printForDocker). */
  leased(env: string): void;
  /** Looks again now if something kept it. */
  look(): void;
  check(): Check;
  close(): Promise<void>;
}

/** The service manager that started us (sd_notify(3)). */
export interface Systemd {
  readonly tell: (message: string) => void;
  /** It ends us when it hears nothing for so long. */
  readonly watchdogMs?: number;
}

/** The real parts a daemon runs on. */
export interface DaemonParts {
  readonly store: Store;
  readonly kernel: Kernel;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly nodeName: string;
  /** `before`: what it was; the same interface is looked at again, and nobody is asked. Rejects with IFACE_…. */
  readonly makeHost: (nodeId: string, before?: Host) => Promise<Host>;
  /** Of the carrier of backend udp, where one runs. */
  readonly counters: () => ForwarderCounters | undefined;
  /** Which carrier of backend udp runs, where one does. */
  readonly carrier: () => CarrierReport | undefined;
  /** Sends and hears ICMP echo. Throws NOT_ROOT, KERNEL_REFUSED. Absent where no packets flow, as in a simulation. */
  readonly openEcho?: (how?: { readonly whole: boolean }) => EchoPort;
  /** Keeps Docker on the leased subnet (`up --docker`). */
  readonly docker?: LeaseFollower;
  /** Where systemd started us. */
  readonly systemd?: Systemd;
  readonly log: Log;
}

/** `restart`: what was known of the network no longer holds; the daemon goes on with a new look. */
export type Ending = 'stop' | 'restart';

/** A daemon from its first moment to its last. */
export interface Daemon {
  readonly options: NodeOptions;
  readonly disk: Disk;
  readonly events: Omit<Events, 'log'>;
  readonly turns: Pick<Turns, 'figures'>;
  /** Told to end. */
  readonly stop: AbortController;
  /** Once it is up. */
  node: Node | undefined;
  /** Why it is not up yet. */
  waitingFor: string;
}

/** A peer whose path takes smaller packets than containers send. */
export interface NarrowPath {
  readonly lease: Lease;
  /** The largest packet that passes, in bytes. */
  readonly mtu: number;
}

/** Follows what fits through the tunnel to each peer. */
export interface PathMtus {
  narrow(): ReadonlyMap<string, NarrowPath>;
  close(): void;
}

/** Everything a running daemon has; the control socket reads it. */
export interface Node {
  readonly parts: DaemonParts;
  readonly disk: Disk;
  readonly state: NodeState;
  readonly startedAt: number;
  readonly follower: Follower;
  readonly reconciler: Reconciler;
  readonly holder: Holder;
  readonly keeper: ViewKeeper;
  /** Absent before the first pass, and when no peer is asked. */
  liveness: Liveness | undefined;
  paths: PathMtus | undefined;
  readonly stop: (how: Ending) => void;
  /** Called once, when subnet.env and the routes are there. */
  readonly onReady: () => void;
  ready: boolean;
  /** Ends listening to the kernel. */
  deafen: () => void;
  /** When the view from disk was written that this node still lives by; `undefined` once etcd has confirmed the lease. */
  cachedAt: string | undefined;
}
