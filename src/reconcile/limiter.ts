import { sameObject } from '../kernel/diff.ts';
import { needs } from '../kernel/runs.ts';
import { type KernelObject, keyOf, type Plan, type Step } from '../kernel/state.ts';
import { eachSliced, type Sliced } from '../model/sliced.ts';

/** An object that somebody else keeps changing back. */
export interface Fight {
  readonly key: string;
  readonly restores: number;
}

/**
 * At most one restore per object per 5 s: two programs that restore each other's wishes at full speed help nobody. Rules get a few at
 * once: a firewall or a Docker that starts puts its own above ours one after the other.
 */
export interface Limiter {
  /** Splits a plan, in slices, into what may be applied now and what has to wait; `waitMs` until the first of it may be applied. */
  admitting(plan: Plan, now: number): Sliced<{ readonly now: Plan; readonly waitMs: number }>;
  /** Notes what was applied. */
  applied(step: Step, now: number): void;
  /** Objects restored more than once, the last time within a minute. */
  fights(now: number): readonly Fight[];
  /** What vanished had a reason that is over: nothing has to wait. */
  forget(): void;
}

const PAUSE_MS = 5_000;
const FORGET_MS = 60_000;
/** Restores that need not wait for each other. */
const AT_ONCE = 1;
const RULES_AT_ONCE = 4;

interface Memory {
  readonly object: KernelObject;
  at: number;
  restores: number;
}

type Memories = Map<string, Memory>;

/** What we know of the object, if the step would make it again as we made it before. */
function restored(memories: Memories, step: Step): Memory | undefined {
  const known = memories.get(keyOf(step.object));
  return known && step.action !== 'remove' && sameObject(step.object, known.object) ? known : undefined;
}

const atOnce = ({ kind }: KernelObject): number => (kind === 'chain' || kind === 'jump' ? RULES_AT_ONCE : AT_ONCE);

function waitFor(memories: Memories, step: Step, now: number): number {
  const known = restored(memories, step);
  return known && known.restores >= atOnce(step.object) ? Math.max(0, known.at + PAUSE_MS - now) : 0;
}

/** What stands on something that has to wait (an address on a deleted device) waits with it. */
function* admitting(memories: Memories, plan: Plan, now: number): ReturnType<Limiter['admitting']> {
  const waiting = new Set<string>();
  let waitMs = Number.POSITIVE_INFINITY;
  const admitted: Step[] = [];
  yield* eachSliced(plan, (step) => {
    const wait = waitFor(memories, step, now);
    if (wait > 0) waitMs = Math.min(waitMs, wait);
    const isHeld =
      wait > 0 || (waiting.size > 0 && step.action !== 'remove' && needs(step.object).some((key) => waiting.has(key)));
    if (isHeld) waiting.add(keyOf(step.object));
    else admitted.push(step);
  });
  return { now: admitted, waitMs: waiting.size > 0 ? waitMs : 0 };
}

function applied(memories: Memories, step: Step, now: number): void {
  const key = keyOf(step.object);
  const known = restored(memories, step);
  if (known) {
    known.restores = now - known.at > FORGET_MS ? 1 : known.restores + 1;
    known.at = now;
  } else if (step.action === 'remove') {
    memories.delete(key);
  } else {
    memories.set(key, { object: step.object, at: now, restores: 0 });
  }
}

/** No history yet. */
export function createLimiter(): Limiter {
  const memories: Memories = new Map();
  return {
    admitting: (plan, now) => admitting(memories, plan, now),
    applied: (step, now) => applied(memories, step, now),
    forget: () => memories.clear(),
    fights: (now) =>
      [...memories]
        .filter(([, { object, restores, at }]) => restores > atOnce(object) && now - at <= FORGET_MS)
        .map(([key, { restores }]) => ({ key, restores })),
  };
}
