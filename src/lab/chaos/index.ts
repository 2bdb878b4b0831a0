import { TsflannelError } from '../../errors.ts';
import type { FaultResult } from '../../model/fault-figures.ts';
import { watchSignals } from '../up.ts';
import { faultsFor } from './faults.ts';
import { type GroundOptions, makeGround } from './ground.ts';
import { measureFault } from './runner.ts';

/** What a run of the chaos lab is asked for. */
export interface ChaosOptions extends GroundOptions {
  /** Rows of the matrix or names of faults; none: all. */
  readonly which: readonly string[];
  /** How many times over their budget times may be. */
  readonly slack: number;
  /** Told each result as soon as it is there. */
  readonly each?: (result: FaultResult) => void;
}

/** Runs the faults one after the other on one lab. Rejects as labUp does; a fault that goes wrong is a result with `failures`. */
export async function runChaos(options: ChaosOptions): Promise<readonly FaultResult[]> {
  const ground = await makeGround(options);
  const signals = watchSignals(ground.close);
  const results: FaultResult[] = [];
  try {
    const { stage } = ground;
    for (const fault of faultsFor(options.which, stage.backend, stage.subject.own)) {
      options.progress(`row ${fault.row}: ${fault.name}: ${fault.about}`);
      const result = await measureFault(ground, fault, options.slack);
      results.push(result);
      options.each?.(result);
    }
  } catch (error) {
    if (await signals.end()) throw new TsflannelError('ABORTED');
    throw error;
  } finally {
    await ground.close();
  }
  if (await signals.end()) throw new TsflannelError('ABORTED');
  return results;
}

export type { Fault } from './chaos.ts';
export { FAULTS } from './faults.ts';
export { writeTable } from './page.ts';
