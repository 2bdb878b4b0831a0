/**
 * How a plan is carried out, whatever the kernel: steps of one lane that follow each other go together, and what hangs on
 * a failed step is skipped. Pure; linux/ and memory/ hand in the lanes.
 */

import { asTsflannelError } from '../errors.ts';
import { failPoint } from '../fail-point.ts';
import { type KernelObject, keyOf, type Plan, type Step, type StepOutcome } from './state.ts';

/** Tries all steps; the reason of each refused one, `undefined` for each that is done. It does not throw for a refusal. */
export type Lane = (steps: readonly Step[]) => Promise<readonly (string | undefined)[]>;

/** Keys without which the object cannot be: its device, its carrier, its chain. */
export function needs(object: KernelObject): readonly string[] {
  switch (object.kind) {
    case 'address':
    case 'route':
    case 'neighbour':
    case 'fdb':
    case 'carrier':
      return [`link/${object.device}`];
    case 'forward':
      return [`link/${object.device}`, `carrier/${object.device}`];
    case 'source':
      return ['guard'];
    case 'jump':
      return [`chain/${object.table}/${object.to}`];
    default:
      return [];
  }
}

const isLive = (step: Step, failed: ReadonlySet<string>): boolean =>
  step.action !== 'blocked' &&
  (failed.size === 0 || step.action === 'remove' || !needs(step.object).some((key) => failed.has(key)));

async function attempt(lane: Lane, steps: readonly Step[]): Promise<readonly (string | undefined)[]> {
  if (steps.length === 0) return [];
  try {
    return await lane(steps);
  } catch (error) {
    const { message, why } = asTsflannelError(error);
    return steps.map(() => `${message}: ${why}`);
  }
}

async function applyRun(run: readonly Step[], lane: Lane, failed: Set<string>): Promise<StepOutcome[]> {
  const live = run.filter((step) => isLive(step, failed));
  const reasons = await attempt(lane, live);
  const byStep = new Map(live.map((step, i) => [step, reasons[i]]));
  return run.map((step): StepOutcome => {
    if (!byStep.has(step)) {
      if (step.action !== 'blocked') failed.add(keyOf(step.object));
      return { step, result: 'skipped' };
    }
    const error = byStep.get(step);
    if (error === undefined) return { step, result: 'done' };
    if (step.action !== 'remove') failed.add(keyOf(step.object));
    return { step, result: 'failed', error };
  });
}

/** Applies the plan in order through the lane of each kind. Never rejects. */
export async function applyInRuns(plan: Plan, laneOf: (object: KernelObject) => Lane): Promise<readonly StepOutcome[]> {
  const failed = new Set<string>();
  const outcomes: StepOutcome[] = [];
  for (let start = 0; start < plan.length; ) {
    const lane = laneOf(plan[start]!.object);
    let end = start + 1;
    while (end < plan.length && laneOf(plan[end]!.object) === lane) end++;
    outcomes.push(...(await applyRun(plan.slice(start, end), lane, failed)));
    start = end;
    if (start < plan.length) failPoint('part-applied');
  }
  return outcomes;
}
