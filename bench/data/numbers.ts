import { parseIp4 } from '../../src/model/address.ts';
import type { PathFigures } from '../../src/model/figures.ts';
import type { Plan } from '../../src/probe/probe.ts';
import { median, table } from '../stats.ts';

/** A dotted address as a number. */
export function ipNumber(text: string): number {
  const ip = parseIp4(text);
  if (!ip) throw new Error(`${text} is not an address`);
  return Number(ip.value);
}

/** What is measured: cubic, since the system's default differs from machine to machine. */
export const planOf = (seconds: number): Plan => ({
  seconds,
  tcp: [1, 4],
  udp: [
    { size: 64, rate: 20_000 },
    { size: 64, rate: 100_000 },
    { size: 1400, rate: 10_000 },
    { size: 1400, rate: 50_000 },
  ],
  roundTrip: true,
  congestion: 'cubic',
});

/** One figure of a path; `undefined` where it was not measured. */
interface Column {
  readonly name: string;
  readonly of: (figures: PathFigures) => number | undefined;
  readonly digits: number;
  /** Put behind the figure. */
  readonly remark?: (rounds: readonly PathFigures[]) => string;
}

const gigabits = (i: number) => (figures: PathFigures) => {
  const value = figures.tcp[i]?.bitsPerSecond;
  return value === undefined ? undefined : value / 1e9;
};
const lostPercent = (i: number) => (figures: PathFigures) => {
  const load = figures.udp[i];
  return load && Math.max(0, 100 * load.lost);
};

/** Where the sender did not reach its rate, the loss is of what it reached. */
const reached = (i: number) => (rounds: readonly PathFigures[]) => {
  const rates = rounds.flatMap(({ udp }) => udp[i]?.sentRate ?? []);
  const wanted = rounds[0]?.udp[i]?.rate ?? 0;
  const rate = median(rates);
  return rate < wanted * 0.98 ? ` of ${(Math.floor(rate / 100) * 100).toLocaleString('en-US')}/s` : '';
};

const COLUMNS: readonly Column[] = [
  { name: 'TCP, 1 stream (Gbit/s)', of: gigabits(0), digits: 2 },
  { name: '4 streams', of: gigabits(1), digits: 2 },
  { name: 'CPU s/GB', of: ({ tcp }) => tcp[0]?.cpuSecondsPerGb, digits: 2 },
  { name: '64 B at 20,000/s (% lost)', of: lostPercent(0), digits: 1, remark: reached(0) },
  { name: '100,000/s', of: lostPercent(1), digits: 1, remark: reached(1) },
  { name: '1,400 B at 10,000/s', of: lostPercent(2), digits: 1, remark: reached(2) },
  { name: '50,000/s', of: lostPercent(3), digits: 1, remark: reached(3) },
  { name: 'round trip p50 (µs)', of: ({ roundTrip }) => roundTrip?.median, digits: 1 },
  { name: 'p99', of: ({ roundTrip }) => roundTrip?.p99, digits: 0 },
];

/** `median (least to greatest)`. */
export function spread(values: readonly number[], digits: number): string {
  if (values.length === 0) return '–';
  const text = (value: number): string => value.toFixed(digits);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const same = text(least) === text(most);
  return same ? text(least) : `${text(median(values))} (${text(least)} to ${text(most)})`;
}

/** Results of each variant, a round each; `undefined` where a round failed. */
export type Results = ReadonlyMap<string, readonly (PathFigures | undefined)[]>;

type Rounds = readonly (PathFigures | undefined)[];
const done = (rounds: Rounds): PathFigures[] => rounds.filter((figures) => figures !== undefined);

function cell(rounds: Rounds, { of, digits, remark }: Column): string {
  const figures = done(rounds);
  const text = spread(
    figures.flatMap((each) => of(each) ?? []),
    digits,
  );
  return figures.length === 0 ? text : `${text}${remark?.(figures) ?? ''}`;
}

/** Median and spread of each figure. */
export const figuresTable = (results: Results): string =>
  table(
    ['', ...COLUMNS.map(({ name }) => name)],
    [...results].map(([name, rounds]) => [name, ...COLUMNS.map((column) => cell(rounds, column))]),
  );

/** The figure of one variant as a multiple of another's, round by round: what a slow minute of the machine changes least. */
export function ratios(results: Results, names: readonly [string, string], of: Column['of']): number[] {
  const [one, other] = names.map((name) => results.get(name) ?? []);
  return (one ?? []).flatMap((figures, round) => {
    const against = other?.[round];
    const [a, b] = [figures && of(figures), against && of(against)];
    return a === undefined || b === undefined || b === 0 ? [] : [a / b];
  });
}

const RATIOS: readonly Column[] = [
  { name: 'TCP, 1 stream', of: gigabits(0), digits: 2 },
  { name: '4 streams', of: gigabits(1), digits: 2 },
  { name: 'CPU s/GB', of: ({ tcp }) => tcp[0]?.cpuSecondsPerGb, digits: 2 },
  { name: 'round trip p50', of: ({ roundTrip }) => roundTrip?.median, digits: 2 },
];

/** Every variant against one of them. */
export const ratiosTable = (results: Results, base: string): string =>
  table(
    [`of ${base}`, ...RATIOS.map(({ name }) => name)],
    [...results.keys()]
      .filter((name) => name !== base)
      .map((name) => [name, ...RATIOS.map(({ of, digits }) => spread(ratios(results, [name, base], of), digits))]),
  );
