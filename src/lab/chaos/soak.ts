import { readdirSync, readFileSync } from 'node:fs';
import type { FaultResult } from '../../model/fault-figures.ts';
import { type Fault, now } from './chaos.ts';
import { type Ground, measureFault } from './runner.ts';

/** How a soak goes. */
export interface SoakOptions {
  readonly faults: readonly Fault[];
  readonly minutes: number;
  readonly slack: number;
  readonly progress: (line: string) => void;
  /** Whether it was interrupted. */
  readonly stopped: () => boolean;
}

/** Rest between two faults. */
const REST_MS = { least: 2_000, most: 15_000 } as const;

/** Resident memory in MB and open files of every daemon. */
function costs({ stage }: Ground): { rss: number[]; fds: number[] } {
  const pids = stage.lab.nodes.flatMap((node) => stage.subject.pid(node) ?? []);
  const rssOf = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  return { rss: pids.map(rssOf), fds: pids.map((pid) => readdirSync(`/proc/${pid}/fd`).length) };
}

const most = (list: readonly number[]): number => Math.round(Math.max(0, ...list));
const total = (results: readonly FaultResult[], of: (result: FaultResult) => number): number =>
  results.reduce((sum, result) => sum + of(result), 0);

/** All of them as one line of the table. */
function sumUp(results: readonly FaultResult[], tookMs: number, notes: readonly string[]): FaultResult {
  return {
    row: 31,
    name: 'soak',
    sent: total(results, ({ sent }) => sent),
    lost: total(results, ({ lost }) => lost),
    repeated: total(results, ({ repeated }) => repeated),
    gapMs: most(results.map(({ gapMs }) => gapMs)),
    healMs: most(results.map(({ healMs }) => healMs)),
    healed: results.every(({ healed }) => healed),
    resets: total(results, ({ resets }) => resets),
    stallMs: most(results.map(({ stallMs }) => stallMs)),
    leaks: results.flatMap(({ leaks }) => leaks),
    duplicates: total(results, ({ duplicates }) => duplicates),
    tookMs,
    budget: { gapMs: Number.POSITIVE_INFINITY, healMs: Number.POSITIVE_INFINITY },
    notes: [`${results.length} faults, each within its own budget unless named`, ...notes],
    failures: results.flatMap(({ name, failures }) => failures.map((line) => `${name}: ${line}`)),
  };
}

/** One random fault after the other for so long; each is held against its own budget. */
export async function soak(ground: Ground, options: SoakOptions): Promise<FaultResult> {
  const { faults, minutes, slack, progress, stopped } = options;
  const { random, pause } = ground.stage;
  const began = now();
  const before = costs(ground);
  const results: FaultResult[] = [];
  while (now() - began < minutes * 60_000 && !stopped()) {
    const fault = faults[Math.floor(random() * faults.length)];
    if (!fault) break;
    const result = await measureFault(ground, fault, slack).catch((error: unknown) => {
      if (!stopped()) throw error;
      return undefined;
    });
    if (!result) break;
    results.push(result);
    const minute = ((now() - began) / 60_000).toFixed(1);
    progress(`${minute} min: ${fault.name}: ${result.failures.length === 0 ? 'well' : result.failures.join('; ')}`);
    await pause(REST_MS.least + random() * (REST_MS.most - REST_MS.least)).catch(() => undefined); // stopped
  }
  const after = costs(ground);
  const grown = [
    `RSS of the largest daemon ${most(before.rss)} MB at first, ${most(after.rss)} MB in the end`,
    `files open ${most(before.fds)} and ${most(after.fds)}`,
  ];
  return sumUp(results, now() - began, grown);
}
