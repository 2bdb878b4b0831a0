import type { FaultResult } from '../model/fault-figures.ts';
import { table } from './table.ts';

const HEAD = [
  'row',
  'fault',
  'lost',
  'of',
  'longest gap',
  'time to heal',
  'tcp',
  'leaks',
  'duplicates',
  'took',
  '',
] as const;

/** `12 ms`, `1.3 s`. */
const time = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

const stream = ({ resets, stallMs }: FaultResult): string =>
  resets > 0 ? `${resets} resets` : `no reset, ${time(stallMs)} silent`;

const cells = (result: FaultResult): string[] => [
  ...[String(result.row), result.name, String(result.lost), String(result.sent)],
  ...[result.lost === 0 ? '-' : time(result.gapMs), time(result.healMs), stream(result)],
  ...[String(result.leaks.length), String(result.duplicates + result.repeated), time(result.tookMs)],
  [result.failures.length === 0 ? 'within its budget' : 'FAILS', ...result.notes].join('; '),
];

/** A line a fault, and under them why some fail. */
export function chaosTable(results: readonly FaultResult[]): string {
  const failures = results.flatMap(({ name, failures: lines }) => lines.map((line) => `${name}: ${line}`));
  return [table(HEAD, results.map(cells)), ...(failures.length === 0 ? [] : ['', ...failures])].join('\n');
}

/** A finding may hold what a command said. */
const oneLine = (text: string): string => text.replace(/[\s|]+/g, ' ').slice(0, 200);

const limit = (ms: number): string => (Number.isFinite(ms) ? time(ms) : 'any');

/** The same as Markdown, with each budget. */
export function chaosMarkdown(results: readonly FaultResult[]): string {
  const row = (list: readonly string[]): string => `| ${list.join(' | ')} |`;
  const head = [
    'row',
    'fault',
    'lost of sent',
    'longest gap (budget)',
    'time to heal (budget)',
    'TCP',
    'leaks',
    'duplicates',
    '',
  ];
  const lines = results.map((result) => {
    const { budget, lost, sent, gapMs, healMs, failures, notes } = result;
    return row([
      ...[String(result.row), `\`${result.name}\``, `${lost} of ${sent}`],
      ...[`${time(gapMs)} (${limit(budget.gapMs)})`, `${time(healMs)} (${limit(budget.healMs)})`, stream(result)],
      ...[String(result.leaks.length), String(result.duplicates + result.repeated)],
      [failures.length === 0 ? 'ok' : `**fails**: ${failures.map(oneLine).join('; ')}`, ...notes].join('; '),
    ]);
  });
  return [row(head), row(head.map(() => '---')), ...lines].join('\n');
}
