import type { Scene } from '../backend/desired.ts';
import { diffing, type Want } from '../kernel/diff.ts';
import { equal } from '../kernel/equal.ts';
import {
  type Kernel,
  type KernelState,
  type Kind,
  keyOf,
  type Observed,
  type Plan,
  type Step,
  type StepOutcome,
} from '../kernel/state.ts';
import { containsPrefix, type Prefix, samePrefix } from '../model/address.ts';
import type { Clock } from '../model/clock.ts';
import type { Log } from '../model/log-events.ts';
import { eachSliced, inTurns, type Sliced } from '../model/sliced.ts';
import type { HeldPeers } from './held.ts';
import type { Limiter } from './limiter.ts';
import type { Dirty } from './loop.ts';
import type { Wants } from './wants.ts';

/** What one pass works on; `cache` is what was last seen, kept up to date by what was applied. */
export interface PassState {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Log;
  readonly wants: Wants;
  readonly limiter: Limiter;
  readonly peers: HeldPeers;
  scene: Scene | undefined;
  /** The scene that `wants` is made for; undefined while it may lack what changed. */
  wantedFor: Scene | undefined;
  cache: Map<string, Observed>;
  passes: number;
  changes: number;
  planLength: number;
  applied: { readonly count: number; readonly ms: number };
  /** What the kernel refused, and what stands in the way, by key; with the reason. */
  readonly failed: Map<string, string>;
  readonly blocked: Map<string, string>;
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

/** Routes of others within the network, beside those to our own subnet (docker0's, once it has it). */
const strangersIn = ({ self, network: { network } }: Scene, seen: KernelState): Prefix[] =>
  [...seen.values()].flatMap(({ object, ours }) => {
    if (object.kind !== 'route' || ours || !containsPrefix(network, object.dst)) return [];
    return containsPrefix(self.subnet, object.dst) ? [] : [object.dst];
  });

/** Facts of the host that the wanted state depends on come from the kernel, so they are read with it; `filtered`: chains were looked at. */
async function factsOf(
  kernel: Kernel,
  scene: Scene,
  seen: KernelState,
  filtered: boolean,
): Promise<Partial<Scene['host']>> {
  const strangers = strangersIn(scene, seen);
  const { network } = scene.network;
  return {
    filter: await kernel.filterFacts(filtered),
    wideRouteTaken: strangers.some((dst) => samePrefix(dst, network)),
    routePerPeer: strangers.length > 0,
  };
}

/** The scene with those facts; `seen` is of all kinds. */
export async function withFacts(kernel: Kernel, scene: Scene, seen: KernelState): Promise<Scene> {
  const facts = await factsOf(kernel, scene, seen, true);
  return { ...scene, host: { ...scene.host, ...facts } };
}

async function observe(state: PassState, scene: Scene, kinds: ReadonlySet<Kind> | undefined): Promise<void> {
  const seen = await state.kernel.observe({ ...queryOf(scene), before: state.cache, ...(kinds && { kinds }) });
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

function* record(state: PassState, outcomes: readonly StepOutcome[]): Sliced<void> {
  let told = 0;
  yield* eachSliced(outcomes, ({ step, result, error }) => {
    if (result === 'done') remember(state, step);
    if (result !== 'failed') return;
    const key = keyOf(step.object);
    state.failed.set(key, error ?? 'no reason given');
    if (told++ < 3) state.log('apply-failed', `${key}: ${error}`, 'KERNEL_REFUSED');
  });
}

/** What was found out before is forgotten where it was looked at again: everywhere, or at these keys and those of the plan. */
function forget(state: PassState, plan: Plan, keys: ReadonlySet<string> | undefined): void {
  for (const found of [state.failed, state.blocked]) {
    if (!keys) found.clear();
    if (found.size === 0) continue;
    for (const key of keys ?? []) found.delete(key);
    for (const { object } of plan) found.delete(keyOf(object));
  }
}

async function timedApply(state: PassState, plan: Plan): Promise<readonly StepOutcome[]> {
  const since = state.clock.now();
  const outcomes = await state.kernel.apply(plan);
  state.applied = { count: state.applied.count + 1, ms: state.applied.ms + state.clock.now() - since };
  return outcomes;
}

/** `keys`: the plan is about these only. */
async function apply(state: PassState, plan: Plan, keys?: ReadonlySet<string>): Promise<PassResult> {
  forget(state, plan, keys);
  state.planLength = plan.length;
  for (const step of plan) if (step.action === 'blocked') state.blocked.set(keyOf(step.object), step.because);
  const open = plan.filter(({ action }) => action !== 'blocked');
  const { now, waitMs } = await inTurns(state.limiter.admitting(open, state.clock.now()));
  if (now.length > 0) await inTurns(record(state, await timedApply(state, now)));
  const again = now.some(({ action, object }) => object.kind === 'link' && action !== 'create');
  return { ok: state.failed.size === 0, again, waitMs };
}

/** What was seen at the keys that a change of some peers is about, and on the devices these stand on. */
function* seenAt({ cache }: PassState, wants: readonly Want[], keys: ReadonlySet<string>): Sliced<KernelState> {
  const there = new Map<string, Observed>();
  const look = (key: string): void => {
    const seen = cache.get(key);
    if (seen) there.set(key, seen);
  };
  yield* eachSliced(wants, ({ object }) => look(keyOf(object)));
  yield* eachSliced(keys, look);
  return there;
}

const FACT_KINDS: readonly Kind[] = ['route', 'chain'];

/** One pass over what is dirty: look, compare, apply. */
export async function runPass(state: PassState, work: Dirty): Promise<PassResult> {
  if (!state.scene) return { ok: true, again: false, waitMs: 0 };
  state.passes++;
  if (!work.all && work.kinds.size === 0) {
    const { wants, keys } = await inTurns(state.wants.refreshing(state.scene, state.peers.peers(), work.peers));
    const seen = await inTurns(seenAt(state, wants, keys));
    return apply(state, await inTurns(diffing(wants, seen)), keys);
  }
  const wantedFor = state.wantedFor;
  // Should the look fail, what changed meanwhile is not lost: the next pass computes everything anew.
  state.wantedFor = undefined;
  await observe(state, state.scene, work.all ? undefined : work.kinds);
  if (work.all || FACT_KINDS.some((kind) => work.kinds.has(kind))) {
    const facts = await factsOf(state.kernel, state.scene, state.cache, work.all || work.kinds.has('chain'));
    // The scene may have been set anew meanwhile.
    const { host } = state.scene;
    if (!equal({ ...host, ...facts }, host)) state.scene = { ...state.scene, host: { ...host, ...facts } };
  }
  const { scene } = state;
  await inTurns<unknown>(
    scene === wantedFor
      ? state.wants.refreshing(scene, state.peers.peers(), work.peers)
      : state.wants.rebuilding(scene, state.peers.peers()),
  );
  state.wantedFor = scene;
  return apply(state, await inTurns(diffing(await inTurns(state.wants.all()), state.cache)));
}
