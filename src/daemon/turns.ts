import { createHistogram } from 'node:perf_hooks';
import type { Check } from '../model/report.ts';

/** How long whatever was due had to wait for its turn, in the last five to ten minutes; milliseconds. */
export interface TurnFigures {
  /** Of the clock: what kept the process from running counts too. */
  readonly longest: number;
  readonly p99: number;
  /** The longest stretch of CPU time of this process without a turn for anything else: the speed of the machine matters, its load does not. */
  readonly cpu: number;
}

export interface Turns {
  figures(): TurnFigures;
  close(): void;
}

/** Often enough for what keeps others waiting for 50 ms; more often would cost an idle daemon more than all else it does. */
const EVERY_MS = 20;
const WINDOW_MS = 300_000;

/** CPU time of the main thread in milliseconds; of the whole process where Node (before 23.9) does not tell threads apart. */
function cpuNow(): number {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage();
  return (user + system) / 1000;
}

function createWindow(since: number) {
  const waits = createHistogram();
  let cpu = 0;
  return {
    since,
    note(wait: number, stretch: number): void {
      waits.record(Math.max(1, Math.round(wait * 1000)));
      cpu = Math.max(cpu, stretch);
    },
    figures: (): TurnFigures =>
      waits.count === 0
        ? { longest: 0, p99: 0, cpu }
        : { longest: waits.max / 1000, p99: waits.percentile(99) / 1000, cpu },
  };
}

const larger = (a: TurnFigures, b: TurnFigures): TurnFigures => ({
  longest: Math.max(a.longest, b.longest),
  p99: Math.max(a.p99, b.p99),
  cpu: Math.max(a.cpu, b.cpu),
});

/** Begins to look, by a timer that does not keep the process alive. */
export function watchTurns(): Turns {
  let [at, cpu] = [performance.now(), cpuNow()];
  let now = createWindow(at);
  let before = createWindow(at);
  const timer = setInterval(() => {
    const [then, thenCpu] = [at, cpu];
    [at, cpu] = [performance.now(), cpuNow()];
    if (at - now.since > WINDOW_MS) [before, now] = [now, createWindow(at)];
    now.note(at - then - EVERY_MS, cpu - thenCpu);
  }, EVERY_MS).unref();
  return {
    figures: () => larger(now.figures(), before.figures()),
    close: () => clearInterval(timer),
  };
}

/** CPU time that no cluster of thousands asks for at once: a mistake of ours. A wait by the clock is the host's: it says nothing of us. */
const LONG_MS = 500;

const text = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** A daemon that is late now and then is well. */
export function turnsCheck({ longest, cpu }: TurnFigures): Check {
  const told = `what was due waited ${text(longest)} at most in the last minutes; longest CPU time without a turn ${text(cpu)}`;
  return { name: 'turns', state: 'ok', detail: cpu > LONG_MS ? `warning: ${told}` : told };
}
