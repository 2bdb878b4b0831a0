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
  /** tsflannel is put first to those faults that any daemon can be put to, on a lab of its own. */
  readonly besides?: boolean | undefined;
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
  const { which, backend, subject, former, minutes, besides } = options;
  const own = subject === undefined && !besides;
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
  { told, stopped }: { readonly told: (result: FaultResult) => void; readonly stopped: () => boolean },
): Promise<void> {
  const { slack, progress, each, minutes } = options;
  if (minutes !== undefined) return told(await soak(ground, { faults, minutes, slack, progress, stopped }));
  for (const fault of faults) {
    if (stopped()) break;
    progress(`row ${fault.row}: ${fault.name}: ${fault.about}`);
    const result = await measureFault(ground, fault, slack);
    told(result);
    each?.(result);
  }
}

/** Resolves to the signal by which it was stopped, when the lab is gone. `told` gets each result. */
async function runOnGround(
  faults: readonly Fault[],
  options: ChaosOptions,
  told: (result: FaultResult) => void,
): Promise<NodeJS.Signals | undefined> {
  const docker = faults.some((fault) => fault.docker);
  let close = async (): Promise<void> => undefined;
  let isStopped = false;
  let stoppedBy: NodeJS.Signals | undefined;
  const signals = watchSignals(async () => {
    isStopped = true;
    await close();
  });
  const begun = (closeIt: () => Promise<void>) => {
    close = closeIt;
  };
  try {
    const ground = await makeGround({ ...options, docker, begun });
    await runAll(ground, faults, options, { told, stopped: () => isStopped });
  } catch (error) {
    if (!isStopped) throw error;
  } finally {
    await close();
    stoppedBy = await signals.end();
  }
  return stoppedBy;
}

/** What came out of a run, and the signal by which it was ended before its time. */
export interface ChaosRun {
  readonly results: readonly FaultResult[];
  /** Those of tsflannel beside it, where they were asked for. */
  readonly beside?: readonly FaultResult[];
  readonly stoppedBy?: NodeJS.Signals;
}

async function runOnce(options: ChaosOptions): Promise<ChaosRun> {
  const results: FaultResult[] = [];
  const told = (result: FaultResult) => void results.push(result);
  let stoppedBy: NodeJS.Signals | undefined;
  for (const faults of await faultsByGround(options))
    if (faults.length > 0 && stoppedBy === undefined) stoppedBy = await runOnGround(faults, options, told);
  if (stoppedBy) options.progress(`stopped by ${stoppedBy}; the lab is gone`);
  return { results: results.sort((a, b) => a.row - b.row), ...(stoppedBy && { stoppedBy }) };
}

/**
 * Runs the faults one after the other on one lab, and those about Docker's containers on one more. Rejects as labUp does, and with
 * TOOL_MISSING; a fault that goes wrong is a result with `failures`. By SIGINT and SIGTERM the lab is taken down, and what was measured
 * until then is the result.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosRun> {
  if (!options.besides) return runOnce(options);
  const first = await runOnce({ ...options, subject: undefined });
  const second = first.stoppedBy ? { ...first, results: [] } : await runOnce(options);
  return { ...second, beside: first.results };
}

export type { Fault } from './chaos.ts';
export { describeFaults } from './faults.ts';
export { writeTable } from './page.ts';
