/**
 * reconcile/ runs the loop: what changed is marked dirty, one pass at a time computes what is wanted, looks at what is there, and
 * applies the difference. It knows backends, kernel and leases by their interfaces only; it must not know etcd, files or sockets.
 *
 * Rules kept here: no kernel write before the first complete snapshot (`start` is called with one); the peers of the last view stay
 * while the store is away (nobody calls `update`); mass removal waits for a confirmation (held.ts); another program's change is
 * undone at most once in 5 s (limiter.ts).
 */
import type { Reach } from '../backend/backend.ts';
import type { Scene } from '../backend/desired.ts';
import { asTsflannelError } from '../errors.ts';
import { diffing } from '../kernel/diff.ts';
import type { Kernel, Kind, Plan } from '../kernel/state.ts';
import type { Clock } from '../model/clock.ts';
import type { Lease } from '../model/lease.ts';
import type { Log } from '../model/log-events.ts';
import { inTurns } from '../model/sliced.ts';
import { createHeldPeers, type HeldOptions } from './held.ts';
import { createLimiter, type Fight } from './limiter.ts';
import { createLoop, type Dirty, type Loop } from './loop.ts';
import { type PassState, queryOf, runPass, withFacts } from './pass.ts';
import { createWants } from './wants.ts';

/** What the loop needs from outside. */
export interface ReconcilerOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** A fresh list of the peers, read from the store now. */
  readonly confirm: HeldOptions['confirm'];
  /** One line for each thing a person would want to know. */
  readonly log: Log;
  /** Called after each pass. */
  readonly passed?: () => void;
}

/** Counts and what stands in the way, for status. */
export interface ReconcilerStatus {
  readonly passes: number;
  readonly changes: number;
  /** Steps that the last pass found to be made. */
  readonly planLength: number;
  /** Times a plan was applied, and how long that took in all. */
  readonly applied: { readonly count: number; readonly ms: number };
  readonly failed: readonly { readonly key: string; readonly error: string }[];
  readonly blocked: readonly { readonly key: string; readonly because: string }[];
  readonly fights: readonly Fight[];
  readonly heldRemovals: number;
  /** A pass was made, and all that the node needs whoever its peers are is in place: one bad peer does not take that away. */
  readonly baseReady: boolean;
}

export interface Reconciler {
  /** The first pass, with a complete snapshot; resolves when it was applied. */
  start(scene: Scene, peers: ReadonlyMap<string, Lease>): Promise<void>;
  /** Peers changed; `changed` names them ('all' after a new snapshot). */
  update(peers: ReadonlyMap<string, Lease>, changed: readonly string[] | 'all'): void;
  /** The store is not the one that was known: who is missing in it now may lease again. */
  distrust(): void;
  /** Our own subnet, address or config changed. */
  setScene(scene: Scene): void;
  /** The kernel may have changed under us. */
  ring(kinds: ReadonlySet<Kind> | 'all'): void;
  /** The underlay interface is back: what went with it was no fight. */
  forgive(): void;
  /** Resolves when no pass is running or due. */
  settled(): Promise<void>;
  /** What a pass would do now; changes nothing. */
  plan(): Promise<Plan>;
  reach(peer: string): Reach | undefined;
  scene(): Scene | undefined;
  status(): ReconcilerStatus;
  close(): Promise<void>;
}

/** What is wanted for these peers against what the kernel shows now; used by `plan`, with and without a daemon. */
export async function planFor(kernel: Kernel, scene: Scene, peers: ReadonlyMap<string, Lease>): Promise<Plan> {
  const seen = await kernel.observe(queryOf(scene));
  const wants = createWants();
  await inTurns(wants.rebuilding(await withFacts(kernel, scene, seen), peers));
  return inTurns(diffing(await inTurns(wants.all()), seen));
}

async function guardedPass(state: PassState, loop: Loop, work: Dirty, passed?: () => void): Promise<void> {
  try {
    const { ok, again, waitMs } = await runPass(state, work);
    if (waitMs > 0) loop.later(waitMs);
    if (again) loop.mark({ all: true });
    if (ok) loop.succeeded();
    else loop.retry();
    passed?.();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    state.log('pass-failed', text, asTsflannelError(error).code);
    loop.retry();
  }
}

const statusOf = (state: PassState): ReconcilerStatus => ({
  passes: state.passes,
  changes: state.changes,
  planLength: state.planLength,
  applied: state.applied,
  failed: [...state.failed].map(([key, error]) => ({ key, error })),
  blocked: [...state.blocked].map(([key, because]) => ({ key, because })),
  fights: state.limiter.fights(state.clock.now()),
  heldRemovals: state.peers.held(),
  baseReady: state.passes > 0 && ![...state.failed.keys(), ...state.blocked.keys()].some(state.wants.isBase),
});

/** A loop that waits for `start`. */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { kernel, clock, random, log, confirm } = options;
  const peers = createHeldPeers({ clock, confirm, log, released: (keys) => loop.mark({ peers: keys }) });
  const state: PassState = {
    kernel,
    clock,
    log,
    peers,
    wants: createWants(),
    limiter: createLimiter(),
    scene: undefined,
    wantedFor: undefined,
    cache: new Map(),
    passes: 0,
    changes: 0,
    planLength: 0,
    applied: { count: 0, ms: 0 },
    failed: new Map(),
    blocked: new Map(),
  };
  const pass = (work: Dirty) => guardedPass(state, loop, work, options.passed);
  const loop: Loop = createLoop({ clock, random, pass });
  return {
    async start(scene, first) {
      state.scene = scene;
      peers.replace(first);
      loop.mark({ all: true });
      loop.open();
      await loop.settled();
    },
    update: (view, changed) => loop.mark({ peers: peers.update(view, changed) }),
    distrust: peers.distrust,
    setScene(scene) {
      state.scene = scene;
      loop.mark({ all: true });
    },
    ring: (kinds) => loop.mark(kinds === 'all' ? { all: true } : { kinds }),
    forgive() {
      state.limiter.forget();
      loop.mark({ all: true });
    },
    settled: () => loop.settled(),
    plan: async () => (state.scene ? planFor(kernel, state.scene, peers.peers()) : []),
    reach: (peer) => state.wants.reach(peer),
    scene: () => state.scene,
    status: () => statusOf(state),
    close: () => {
      peers.close();
      return loop.close();
    },
  };
}
