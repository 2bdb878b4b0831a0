import type { FaultResult } from '../../model/fault-figures.ts';
import { faultsFor } from './faults.ts';
import { type GroundOptions, makeGround } from './ground.ts';
import { measureFault } from './runner.ts';

/** What a run of the chaos lab is asked for. */
export interface ChaosOptions extends GroundOptions {
  /** Rows of the matrix; none: all. */
  readonly rows: readonly number[];
  /** How many times over their budget times may be. */
  readonly slack: number;
  /** Told each result as soon as it is there. */
  readonly each?: (result: FaultResult) => void;
}

/** Runs the faults one after the other on one lab. Rejects as labUp does; a fault that goes wrong is a result with `failures`. */
export async function runChaos(options: ChaosOptions): Promise<readonly FaultResult[]> {
  const ground = await makeGround(options);
  try {
    const { stage } = ground;
    const results: FaultResult[] = [];
    for (const fault of faultsFor(options.rows, stage.backend, stage.subject.own)) {
      options.progress(`row ${fault.row}: ${fault.name}: ${fault.about}`);
      const result = await measureFault(ground, fault, options.slack);
      results.push(result);
      options.each?.(result);
    }
    return results;
  } finally {
    await ground.close();
  }
}

export type { Fault } from './chaos.ts';
export { FAULTS } from './faults.ts';
export { writeTable } from './page.ts';
