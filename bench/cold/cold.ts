/**
 * The start of a command, against that of Node itself. Commands are run in turn, so that a slow minute of the machine hits all of them, and the least
 * of several runs counts: noise only adds. CPU time is measured beside time, since on a busy machine it is what a start is worth.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../../src/root.ts';
import { now, table } from '../stats.ts';

/** A command, and how many times the start of Node it may take. */
export interface Start {
  readonly name: string;
  readonly argv: readonly string[];
  readonly limit: number;
}

/** Milliseconds, the least of all runs. */
export interface Cost {
  readonly time: number;
  readonly cpu: number;
}

const run = join(packageRoot(), 'bin', 'run.js');
const BASE: Start = { name: 'node -e 0', argv: ['-e', '0'], limit: 1 };

/** What is measured, with an etcd that answers at this endpoint. */
export const startsAt = (endpoint: string): readonly Start[] => [
  { name: 'tsflannel --version', argv: [run, '--version'], limit: 1.6 },
  { name: 'tsflannel --help', argv: [run, '--help'], limit: 3 },
  { name: 'tsflannel version', argv: [run, 'version'], limit: 3 },
  { name: 'tsflannel etcd get --all', argv: [run, 'etcd', 'get', '--all', '--etcd-endpoints', endpoint], limit: 6 },
];

const RUSAGE_CHILDREN = -1;

/** CPU time of all children that have ended, in milliseconds. */
function createCpuClock(): () => number {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const getrusage = koffi.load(null).func('int getrusage(int, void *)');
  const usage = Buffer.alloc(144);
  const msAt = (at: number): number =>
    Number(usage.readBigInt64LE(at)) * 1000 + Number(usage.readBigInt64LE(at + 8)) / 1000;
  return () => {
    getrusage(RUSAGE_CHILDREN, usage);
    return msAt(0) + msAt(16);
  };
}

const least = (a: Cost | undefined, b: Cost): Cost =>
  a ? { time: Math.min(a.time, b.time), cpu: Math.min(a.cpu, b.cpu) } : b;

/** Runs each command so many times; what it says is thrown away. Throws when one fails. */
export function measureStarts(starts: readonly Start[], runs: number): ReadonlyMap<Start, Cost> {
  const cpu = createCpuClock();
  // Reading the host's certificates is Node's own business.
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const costs = new Map<Start, Cost>();
  for (let turn = 0; turn < runs; turn++)
    for (const start of [BASE, ...starts]) {
      const [began, used] = [now(), cpu()];
      const { status } = spawnSync(process.execPath, start.argv, { stdio: 'ignore', env });
      if (status !== 0) throw new Error(`${start.name}: exit status ${status}`);
      costs.set(start, least(costs.get(start), { time: now() - began, cpu: cpu() - used }));
    }
  return costs;
}

/** How many times the start of Node it took: by time, and by CPU time. */
export function ratiosOf(costs: ReadonlyMap<Start, Cost>, start: Start): Cost {
  const [base, cost] = [costs.get(BASE), costs.get(start)];
  if (!base || !cost) throw new Error(`${start.name} was not measured`);
  return { time: cost.time / base.time, cpu: cost.cpu / base.cpu };
}

/** Starts measured, as a table. */
export function coldTable(costs: ReadonlyMap<Start, Cost>): string {
  const ms = (value: number): string => value.toFixed(0);
  const rows = [...costs].map(([start, { time, cpu }]) => {
    const ratios = ratiosOf(costs, start);
    const limit = start === BASE ? '' : `${start.limit}`;
    return [`\`${start.name}\``, ms(time), ratios.time.toFixed(2), ms(cpu), ratios.cpu.toFixed(2), limit];
  });
  return table(['', 'ms', 'of node', 'CPU ms', 'of node', 'at most'], rows);
}
