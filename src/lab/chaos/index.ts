import { TsflannelError } from '../../errors.ts';
import type { FaultResult } from '../../model/fault-figures.ts';
import { missingForDocker } from '../dockerd.ts';
import { watchSignals } from '../up.ts';
import type { Fault } from './chaos.ts';
import { faultsFor } from './faults.ts';
import { type GroundOptions, makeGround } from './ground.ts';
import { type Ground, measureFault } from './runner.ts';
import { soak } from './soak.ts';

/** What a run of the chaos lab is asked for. */
export interface ChaosOptions extends Omit<GroundOptions, 'docker'> {
  /** Rows of the matrix or names of faults; none: all. */
  readonly which: readonly string[];
  /** Only faults that any daemon can be put to. */
  readonly comparable?: boolean | undefined;
  /** How many times over their budget times may be. */
  readonly slack: number;
  /** Random ones of them for so long, instead of each once. */
  readonly minutes?: number | undefined;
  /** Told each result as soon as it is there. */
  readonly each?: (result: FaultResult) => void;
}

/** Says which faults are not done, and why. */
function leaveOut(faults: readonly Fault[], why: string, { progress }: ChaosOptions): void {
  if (faults.length > 0) progress(`left out: ${faults.map(({ name }) => name).join(', ')}: ${why}`);
}

/**
 * The faults that can be done here, those of each ground together. Rejects with TOOL_MISSING where one was asked for that cannot, since this
 * host has no Docker.
 */
async function faultsByGround(options: ChaosOptions): Promise<readonly (readonly Fault[])[]> {
  const { which, backend, subject, former, minutes, comparable } = options;
  const own = subject === undefined && !comparable;
  const faults = faultsFor(which, { backend, own, former: former !== undefined });
  const plain = faults.filter(({ docker }) => !docker);
  const dockers = faults.filter(({ docker }) => docker);
  const missing = dockers.length > 0 ? await missingForDocker() : undefined;
  if (missing && which.length > 0)
    throw new TsflannelError('TOOL_MISSING', {
      ...missing,
      detail: `${dockers.map(({ name }) => name).join(', ')}: the containers are those of a Docker`,
    });
  if (missing) leaveOut(dockers, `no ${missing.tool} here (apt-get install ${missing.package})`, options);
  else if (minutes !== undefined && plain.length > 0) leaveOut(dockers, 'a soak is of one lab, by --row 28', options);
  else return [plain, dockers];
  return [plain];
}

async function runAll(
  ground: Ground,
  faults: readonly Fault[],
  options: ChaosOptions,
  stopped: () => boolean,
): Promise<readonly FaultResult[]> {
  const { slack, progress, each, minutes } = options;
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

async function runOnGround(faults: readonly Fault[], options: ChaosOptions): Promise<readonly FaultResult[]> {
  const ground = await makeGround({ ...options, docker: faults.some(({ docker }) => docker) });
  let isStopped = false;
  const signals = watchSignals(async () => {
    isStopped = true;
    await ground.close();
  });
  try {
    const results = await runAll(ground, faults, options, () => isStopped);
    if (!isStopped) return results;
  } catch (error) {
    if (!isStopped) throw error;
  } finally {
    await signals.end();
    await ground.close();
  }
  throw new TsflannelError('ABORTED');
}

/**
 * Runs the faults one after the other on one lab, and those about Docker's containers on one more. Rejects as labUp does, and with
 * TOOL_MISSING; a fault that goes wrong is a result with `failures`.
 */
export async function runChaos(options: ChaosOptions): Promise<readonly FaultResult[]> {
  const results: FaultResult[] = [];
  for (const faults of await faultsByGround(options))
    if (faults.length > 0) results.push(...(await runOnGround(faults, options)));
  return results.sort((a, b) => a.row - b.row);
}

export type { Fault } from './chaos.ts';
export { describeFaults } from './faults.ts';
export { writeTable } from './page.ts';
