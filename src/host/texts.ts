import type { DownResult } from '../daemon/down.ts';
import { printObject, printPlan } from '../kernel/print.ts';
import type { Plan } from '../kernel/state.ts';

/** A plan as data. */
export const stepData = (plan: Plan) =>
  plan.map(({ action, object, because }) => ({ action, object: printObject(object), because }));

/** What `down` did, for people. */
export function downText({ plan, released, leaseProblem, daemon }: DownResult, dryRun: boolean): string {
  if (dryRun) return printPlan(plan);
  const lines = [
    ...(daemon === undefined ? [] : [`daemon ${daemon} stopped`]),
    ...(released === undefined ? [] : [`${released} given back`]),
    ...(leaseProblem === undefined
      ? []
      : [`the lease could not be given back (${leaseProblem}): it ends by itself within a day`]),
    ...(plan.length === 0 ? [] : [`${plan.length} objects removed or restored`]),
  ];
  return lines.length === 0 ? 'No change: nothing of ours was here.' : lines.join('\n');
}
