import { atOnce, eachSliced, type Sliced } from '../model/sliced.ts';
import { equal } from './equal.ts';
import { printObject } from './print.ts';
import { needs } from './runs.ts';
import { type KernelObject, type KernelState, type Kind, keyOf, type Observed, type Plan, type Step } from './state.ts';

/** An object we want, and why. */
export interface Want {
  readonly object: KernelObject;
  readonly because: string;
}

/**
 * Make before break. What checks sources (guard and carrier start closed) and what a thing stands on comes before it; whatever
 * attracts traffic (routes) and tells others (files) comes last. Removal goes the other way.
 */
const RANK: Readonly<Record<Kind, number>> = {
  sysctl: 0,
  guard: 1,
  source: 2,
  link: 3,
  address: 4,
  carrier: 5,
  neighbour: 6,
  fdb: 7,
  forward: 8,
  chain: 9,
  jump: 10,
  route: 11,
  file: 12,
};

/** Kinds that have no owner of their own: what stands at a path or name that we are told to manage is ours to write. */
const WRITTEN_OVER = new Set<Kind>(['sysctl', 'file']);

/** Whether what is seen is what is wanted, in the parts that are wanted: a link wanted without a MAC fits any MAC. */
export function sameObject(wanted: KernelObject, seen: KernelObject): boolean {
  if (equal(wanted, seen)) return true;
  if (wanted.kind === 'link' && seen.kind === 'link' && !wanted.mac) {
    const { mac: _, ...rest } = seen;
    return printObject(wanted) === printObject(rest) && wanted.alias === seen.alias;
  }
  if (wanted.kind === 'carrier' && seen.kind === 'carrier' && !wanted.type) {
    const { type: _, ...rest } = seen;
    return printObject(wanted) === printObject(rest);
  }
  if (wanted.kind === 'jump' && seen.kind === 'jump') return !seen.copies && (seen.first || !wanted.first);
  if (wanted.kind === 'file' && seen.kind === 'file')
    return wanted.content === seen.content && wanted.mode === seen.mode;
  if (wanted.kind === 'link' && seen.kind === 'link' && wanted.alias !== seen.alias) return false;
  return printObject(wanted) === printObject(seen);
}

function stepFor(want: Want, seen: Observed | undefined): Step | undefined {
  const { object, because } = want;
  if (!seen) return { action: 'create', object, because };
  if (sameObject(object, seen.object)) {
    if (seen.ours || WRITTEN_OVER.has(object.kind)) return undefined;
  } else if (seen.ours || WRITTEN_OVER.has(object.kind)) {
    return { action: 'replace', object, previous: seen.object, because };
  }
  return {
    action: 'blocked',
    object,
    previous: seen.object,
    because: `${because}; but ${seen.owner} has ${printObject(seen.object)}`,
  };
}

/** Nothing is put on what is not ours: what needs a blocked object is blocked with it. `steps` are in the order of making. */
function withDependants(steps: readonly Step[]): Step[] {
  const blocked = new Map<string, string>();
  return steps.map((step) => {
    if (blocked.size === 0 && step.action !== 'blocked') return step;
    const reason = needs(step.object).flatMap((key) => blocked.get(key) ?? [])[0];
    const kept: Step =
      reason !== undefined && step.action !== 'blocked' ? { ...step, action: 'blocked', because: reason } : step;
    if (kept.action === 'blocked') blocked.set(keyOf(kept.object), kept.because);
    return kept;
  });
}

/**
 * The ordered difference between what is wanted and what is there: creations and replacements first, then removals.
 * Only objects that are ours and whose key lies in `scope` (all by default) are removed; files and sysctls never are.
 */
export const diff = (wants: readonly Want[], observed: KernelState, scope?: (key: string) => boolean): Plan =>
  atOnce(diffing(wants, observed, scope));

/** The same in slices. */
export function* diffing(
  wants: readonly Want[],
  observed: KernelState,
  scope: (key: string) => boolean = () => true,
): Sliced<Plan> {
  const wanted = new Set<string>();
  const make: Step[] = [];
  yield* eachSliced(wants, (want) => {
    const key = keyOf(want.object);
    if (wanted.has(key)) return;
    wanted.add(key);
    const step = stepFor(want, observed.get(key));
    if (step) make.push(step);
  });
  const remove: Step[] = [];
  yield* eachSliced(observed, ([key, seen]) => {
    if (!seen.ours || wanted.has(key) || WRITTEN_OVER.has(seen.object.kind) || !scope(key)) return;
    remove.push({
      action: 'remove',
      object: seen.object,
      previous: seen.object,
      because: 'no lease or setting asks for it any more',
    });
  });
  return [
    ...withDependants(make.sort((a, b) => RANK[a.object.kind] - RANK[b.object.kind])),
    ...remove.sort((a, b) => RANK[b.object.kind] - RANK[a.object.kind]),
  ];
}
