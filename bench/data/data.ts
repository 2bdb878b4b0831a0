/**
 * The data plane in figures: every variant in turn, round after round, on both kinds of underlay, so that a slow minute of the machine hits
 * all of them. Prints Markdown.
 */
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PathFigures } from '../../src/model/figures.ts';
import { GROUNDS } from '../leftovers.ts';
import { writeBetween } from '../page.ts';
import { figuresTable, planOf, type Results, ratiosTable } from './numbers.ts';
import { measureVariant, type Variant } from './scene.ts';
import { UNDERLAYS, type Underlay } from './underlay.ts';
import { variants } from './variants.ts';

const note = (text: string): void => void process.stderr.write(`${text}\n`);

/** Load of the machine in the last minute. */
const load = (): number => Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[0]);
const WAIT_MS = 10 * 60_000;

/** Waits until the machine is idle, but not for ever; says what it was like. */
async function untilIdle(waitMs: number): Promise<string> {
  const end = Date.now() + waitMs;
  while (load() >= 1 && Date.now() < end) await sleep(5000);
  const now = load();
  return now < 1 ? `load before: ${now}` : `load before: ${now}; THE MACHINE WAS NOT IDLE`;
}

/** What to measure, how often and how long. */
export interface DataOptions {
  readonly runs: number;
  readonly seconds: number;
  /** Names of variants and underlays; empty: all. */
  readonly only: readonly string[];
  /** Do not wait until the machine is idle. */
  readonly now: boolean;
  /** A Markdown file with the marks, or empty. */
  readonly write: string;
}

async function measureUnderlay(underlay: Underlay, chosen: readonly Variant[], options: DataOptions): Promise<Results> {
  const results = new Map<string, (PathFigures | undefined)[]>(chosen.map(({ name }) => [name, []]));
  for (let run = 1; run <= options.runs; run++) {
    for (const variant of chosen) {
      const what = `${underlay} ${run}/${options.runs} ${variant.name}`;
      const round = await measureVariant(GROUNDS.data, variant, underlay, planOf(options.seconds)).catch(
        (error: unknown) => {
          note(`${what}: FAILED: ${String(error)}`);
          return undefined;
        },
      );
      results.get(variant.name)?.push(round?.figures);
      if (round) note(`${what}: ${JSON.stringify(round)}`);
    }
  }
  return results;
}

const TITLES: Readonly<Record<Underlay, string>> = {
  wire: 'Wire-like underlay (no frame over 1514 bytes, counted)',
  veth: 'veth underlay as it is (super-packets pass whole)',
};

const wanted = (only: readonly string[], names: readonly string[]) => {
  const some = names.filter((name) => only.includes(name));
  return new Set(some.length === 0 ? names : some);
};

/** Measures; resolves to Markdown. */
async function report(options: DataOptions): Promise<string> {
  const all = variants();
  const names = wanted(
    options.only,
    all.map(({ name }) => name),
  );
  const idle = await untilIdle(options.now ? 0 : WAIT_MS);
  note(idle);
  const date = new Date().toISOString().slice(0, 10);
  const machine = `Linux ${release().split('-')[0]}, ${cpus().length} CPUs (${cpus()[0]?.model}), ${idle}`;
  const parts = [
    `${date}; ${machine}; ${options.runs} rounds of ${options.seconds} s each. Median (least to greatest).`,
  ];
  for (const underlay of wanted(options.only, UNDERLAYS) as Set<Underlay>) {
    const chosen = all.filter(({ name }) => names.has(name));
    const results = await measureUnderlay(underlay, chosen, options);
    const against = ['vxlan', 'flanneld udp'].filter((base) => results.has(base));
    parts.push(`### ${TITLES[underlay]}`, figuresTable(results), ...against.map((base) => ratiosTable(results, base)));
  }
  return parts.join('\n\n');
}

/** Measures and prints; with `write` puts the result between the marks in that file too. */
export async function data(options: DataOptions): Promise<void> {
  const text = await report(options);
  console.log(text);
  if (options.write !== '') writeBetween(options.write, 'data', text);
}
