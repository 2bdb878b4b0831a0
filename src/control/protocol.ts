/**
 * control/ is the language between commands and the running daemon: one JSON line asked, one JSON line answered, over a unix socket
 * that only root may open (0600). It holds types and the thin client; it must not know how the daemon works.
 */
import type { Kind } from '../kernel/state.ts';
import type { Check, DaemonEvent, NodeFacts, RouteRow, Usage } from '../model/report.ts';

export type { Check };

/** The answer to `status`. */
export interface DaemonStatus extends NodeFacts {
  readonly checks: readonly Check[];
}

/** One change as text and reason. */
export interface PlanStep {
  readonly action: 'create' | 'replace' | 'remove' | 'blocked';
  readonly kind: Kind;
  readonly object: string;
  readonly because: string;
}

export interface Requests {
  /** Answered from the first moment on, unlike the others: `waitingFor` says why the node is not up yet. */
  readonly ping: { readonly pid: number; readonly ready: boolean; readonly waitingFor?: string };
  readonly status: DaemonStatus;
  readonly plan: { readonly steps: readonly PlanStep[]; readonly text: string };
  readonly routes: { readonly rows: readonly RouteRow[]; readonly usage: Usage };
  /** The last lines of the log, the oldest first; answered before the node is up too. */
  readonly events: { readonly events: readonly DaemonEvent[] };
  /** Look at the kernel again now; answered when that is done. */
  readonly ring: { readonly changes: number };
  /** End, leaving the kernel's state; answered before the daemon exits. */
  readonly stop: { readonly pid: number };
}

export type Method = keyof Requests;
export const METHODS: readonly Method[] = ['ping', 'status', 'plan', 'routes', 'events', 'ring', 'stop'];

/** Answer on the wire. `DAEMON_STARTING`: the node is not up yet; ask again. */
export type Answer =
  | { readonly result: unknown }
  | { readonly error: { readonly code: string; readonly detail: string } };
