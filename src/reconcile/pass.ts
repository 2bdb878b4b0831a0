import type { Scene } from '../backend/desired.ts';
import { diff } from '../kernel/diff.ts';
import {
  type Kernel,
  type Kind,
  keyOf,
  type Observed,
  type Plan,
  type Step,
  type StepOutcome,
} from '../kernel/state.ts';
import { printPrefix } from '../model/address.ts';
import type { Clock } from '../model/clock.ts';
import type { HeldPeers } from './held.ts';
import type { Limiter } from './limiter.ts';
import type { Dirty } from './loop.ts';
import type { Wants } from './wants.ts';

/** What one pass works on; `cache` is what was last seen, kept up to date by what was applied. */
export interface PassState {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: (event: string, detail: string) => void;
  readonly wants: Wants;
  readonly limiter: Limiter;
  readonly peers: HeldPeers;
  scene: Scene | undefined;
  cache: Map<string, Observed>;
  passes: number;
  changes: number;
  failed: readonly { readonly key: string; readonly error: string }[];
  blocked: ReadonlyMap<string, string>;
}

/** What the loop has to do after a pass. */
export interface PassResult {
  readonly ok: boolean;
  /** Look at everything again: a device was made anew, and what stood on it went with it. */
  readonly again: boolean;
  /** Something waits for the restore limit. */
  readonly waitMs: number;
}

/** Files and sysctls that belong to the wanted state. */
export const queryOf = ({ host }: Scene) => ({ paths: [host.subnetFile], sysctls: ['net.ipv4.ip_forward'] });

/** Facts of the host that the wanted state depends on come from the kernel, so they are read with it. */
export async function withFacts(kernel: Kernel, scene: Scene, seen: ReadonlyMap<string, Observed>): Promise<Scene> {
  const wide = seen.get(`route/${printPrefix(scene.network.network)}/0`);
  const filter = await kernel.filterFacts();
  return { ...scene, host: { ...scene.host, filter, wideRouteTaken: wide !== undefined && !wide.ours } };
}

async function observe(state: PassState, scene: Scene, kinds: ReadonlySet<Kind> | undefined): Promise<void> {
  const seen = await state.kernel.observe({ ...queryOf(scene), ...(kinds && { kinds }) });
  if (!kinds) {
    state.cache = new Map(seen);
    return;
  }
  for (const [key, { object }] of state.cache) if (kinds.has(object.kind)) state.cache.delete(key);
  for (const [key, entry] of seen) state.cache.set(key, entry);
}

function remember(state: PassState, step: Step): void {
  state.changes++;
  state.limiter.applied(step, state.clock.now());
  if (step.action === 'remove') state.cache.delete(keyOf(step.object));
  else state.cache.set(keyOf(step.object), { object: step.object, ours: true, owner: 'tsflannel' });
}

function record(state: PassState, outcomes: readonly StepOutcome[]): void {
  for (const { step, result } of outcomes) if (result === 'done') remember(state, step);
  state.failed = outcomes.flatMap(({ step, result, error }) =>
    result === 'failed' ? [{ key: keyOf(step.object), error: error ?? 'no reason given' }] : [],
  );
  for (const { key, error } of state.failed.slice(0, 3)) state.log('apply-failed', `${key}: ${error}`);
}

async function apply(state: PassState, plan: Plan, full: boolean): Promise<PassResult> {
  const blocked = plan
    .filter(({ action }) => action === 'blocked')
    .map((step) => [keyOf(step.object), step.because] as const);
  state.blocked = new Map([...(full ? [] : state.blocked), ...blocked]);
  const { now, waitMs } = state.limiter.admit(
    plan.filter(({ action }) => action !== 'blocked'),
    state.clock.now(),
  );
  if (now.length === 0) return { ok: true, again: false, waitMs };
  record(state, await state.kernel.apply(now));
  const again = now.some(({ action, object }) => object.kind === 'link' && action !== 'create');
  return { ok: state.failed.length === 0, again, waitMs };
}

const FACT_KINDS: readonly Kind[] = ['route', 'chain'];

/** One pass over what is dirty: look, compare, apply. */
export async function runPass(state: PassState, work: Dirty): Promise<PassResult> {
  if (!state.scene) return { ok: true, again: false, waitMs: 0 };
  state.passes++;
  if (!work.all && work.kinds.size === 0) {
    const { wants, keys } = state.wants.refresh(state.scene, state.peers.peers(), work.peers);
    return apply(
      state,
      diff(wants, state.cache, (key) => keys.has(key)),
      false,
    );
  }
  await observe(state, state.scene, work.all ? undefined : work.kinds);
  if (work.all || FACT_KINDS.some((kind) => work.kinds.has(kind))) {
    state.scene = await withFacts(state.kernel, state.scene, state.cache);
  }
  state.wants.rebuild(state.scene, state.peers.peers());
  return apply(state, diff(state.wants.all(), state.cache), true);
}
