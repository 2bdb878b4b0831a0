import type { BenchReport, PathFigures, UdpFigures } from '../model/figures.ts';
import { table } from './table.ts';

/** One line of the result: a number a path, and the first path's as a multiple of the last one's. */
export interface BenchRow {
  readonly what: string;
  readonly values: readonly number[];
  readonly texts: readonly string[];
  readonly ratio?: number;
}

const rounded = (value: number): string => {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toFixed(Math.min(digits, 3));
};
const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');

const bits = (value: number): string =>
  value >= 1e9 ? `${rounded(value / 1e9)} Gbit/s` : `${rounded(value / 1e6)} Mbit/s`;

/** A sender that was held up did not reach the rate: then the loss is of what it sent. */
function lossText({ lost, sentRate, rate }: UdpFigures): string {
  const text = `${(Math.max(0, lost) * 100).toFixed(2)} % lost`;
  return sentRate < rate * 0.98 ? `${text} of ${grouped(sentRate)}/s` : text;
}

function row(
  what: string,
  paths: readonly PathFigures[],
  of: (path: PathFigures) => { readonly value: number; readonly text: string } | undefined,
): BenchRow[] {
  const found = paths.map(of);
  const cells = found.filter((cell) => cell !== undefined);
  if (cells.length < paths.length) return [];
  const values = cells.map(({ value }) => value);
  const [first = Number.NaN, last = Number.NaN] = [values[0], values.at(-1)];
  const ratio = paths.length > 1 && last !== 0 ? { ratio: first / last } : {};
  return [{ what, values, texts: cells.map(({ text }) => text), ...ratio }];
}

const streamsText = (streams: number): string => (streams === 1 ? '1 stream' : `${streams} streams`);

/** The figures as rows, in the order they are printed. */
export function benchRows({ paths }: BenchReport): readonly BenchRow[] {
  const [first] = paths;
  if (!first) return [];
  const tcp = first.tcp.flatMap(({ streams }, i) => [
    ...row(`TCP, ${streamsText(streams)}`, paths, (path) => {
      const value = path.tcp[i]?.bitsPerSecond;
      return value === undefined ? undefined : { value, text: bits(value) };
    }),
    ...row('  CPU for 1 GB', paths, (path) => {
      const value = path.tcp[i]?.cpuSecondsPerGb;
      return value === undefined ? undefined : { value, text: `${rounded(value)} s` };
    }),
  ]);
  const udp = first.udp.flatMap(({ size, rate }, i) =>
    row(`UDP, ${grouped(size)} B, ${grouped(rate)}/s`, paths, (path) => {
      const figures = path.udp[i];
      return figures && { value: figures.sentRate * (1 - figures.lost), text: lossText(figures) };
    }),
  );
  const trip = (name: 'median' | 'p99', what: string) =>
    row(
      what,
      paths,
      ({ roundTrip }) => roundTrip && { value: roundTrip[name], text: `${rounded(roundTrip[name])} µs` },
    );
  const mtu = row('MTU', paths, (path) => ({ value: path.mtu, text: `${path.mtu} B` }));
  return [...tcp, ...udp, ...trip('median', 'round trip, median'), ...trip('p99', 'round trip, 99 %'), ...mtu];
}

const COUNTED = {
  true: 'CPU: all this machine did meanwhile but idling, for both ends.',
  false: 'CPU: all that both machines did meanwhile but idling.',
};

/** The report as a table: a row a measurement, a column a path. */
export function benchText(report: BenchReport): string {
  const { paths, backend, sameMachine } = report;
  const names = paths.map(({ name, to }) =>
    name === 'overlay' && backend !== undefined ? `${backend} (${to})` : `${name} (${to})`,
  );
  const isCompared = paths.length > 1;
  const rows = benchRows(report).map(({ what, texts, ratio }) => [
    what,
    ...texts,
    ...(isCompared ? [ratio === undefined ? '-' : rounded(ratio)] : []),
  ]);
  return [
    table(['', ...names, ...(isCompared ? ['ratio'] : [])], rows),
    '',
    `${isCompared ? 'Ratio: to the last path; of UDP, what arrived. ' : ''}${COUNTED[`${sameMachine}`]}`,
  ].join('\n');
}
