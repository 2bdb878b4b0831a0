import { TsflannelError } from '../../errors.ts';
import type { FaultResult } from '../../model/fault-figures.ts';
import { watchSignals } from '../up.ts';
import { faultsFor } from './faults.ts';
import { type GroundOptions, makeGround } from './ground.ts';
import { type Ground, measureFault } from './runner.ts';
import { soak } from './soak.ts';

/** What a run of the chaos lab is asked for. */
export interface ChaosOptions extends GroundOptions {
  /** Rows of the matrix or names of faults; none: all. */
  readonly which: readonly string[];
  /** How many times over their budget times may be. */
  readonly slack: number;
  /** Random ones of them for so long, instead of each once. */
  readonly minutes?: number | undefined;
  /** Told each result as soon as it is there. */
  readonly each?: (result: FaultResult) => void;
}

async function runAll(ground: Ground, options: ChaosOptions, stopped: () => boolean): Promise<readonly FaultResult[]> {
  const { stage } = ground;
  const { slack, progress, each, minutes } = options;
  const faults = faultsFor(options.which, {
    backend: stage.backend,
    own: stage.subject.own,
    former: stage.former !== undefined,
  });
  if (minutes !== undefined) return [await soak(ground, { faults, minutes, slack, progress, stopped })];
  const results: FaultResult[] = [];
  for (const fault of faults) {
    if (stopped()) break;
    progress(`row ${fault.row}: ${fault.name}: ${fault.about}`);
    const result = await measureFault(ground, fault, slack);
    results.push(result);
    each?.(result);
  }
  return results;
}

/** Runs the faults one after the other on one lab. Rejects as labUp does; a fault that goes wrong is a result with `failures`. */
export async function runChaos(options: ChaosOptions): Promise<readonly FaultResult[]> {
  const ground = await makeGround(options);
  let isStopped = false;
  const signals = watchSignals(async () => {
    isStopped = true;
    await ground.close();
  });
  try {
    const results = await runAll(ground, options, () => isStopped);
    if (!isStopped) return results;
  } catch (error) {
    if (!isStopped) throw error;
  } finally {
    await signals.end();
    await ground.close();
  }
  throw new TsflannelError('ABORTED');
}

export type { Fault } from './chaos.ts';
export { listFaults } from './faults.ts';
export { writeTable } from './page.ts';
