import type { FaultResult } from '../model/fault-figures.ts';
import { table } from './table.ts';

/** A line of `--list`. */
export interface FaultLine {
  readonly row: number;
  readonly name: string;
  readonly about: string;
  /** Not tsflannel alone. */
  readonly anyDaemon: boolean;
}

/** The faults, a line each; `*` marks what `--subject` can be put to. */
export const faultLines = (faults: readonly FaultLine[]): string =>
  [
    ...faults.map(({ row, name, about, anyDaemon }) => `${row} ${name}${anyDaemon ? '*' : ''}: ${about}`),
    ...['', '* another daemon can be put to it too (--subject)'],
  ].join('\n');

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

/** What it took to be well, or that it was not. */
const healing = ({ healed, healMs }: FaultResult): string => (healed ? time(healMs) : `not in ${time(healMs)}`);

const cells = (result: FaultResult): string[] => [
  ...[String(result.row), result.name, String(result.lost), String(result.sent)],
  ...[result.lost === 0 ? '-' : time(result.gapMs), healing(result), stream(result)],
  ...[String(result.leaks.length), String(result.duplicates + result.repeated), time(result.tookMs)],
  [result.failures.length === 0 ? 'within its budget' : 'FAILS', ...result.notes].join('; '),
];

const LEAK = 'leak: ';
const MOST_LEAKS = 8;

/** Without the lines of each kernel, which are many when a whole device is missing. */
export const withoutLeaks = (failures: readonly string[]): readonly string[] =>
  failures.filter((each) => !each.startsWith(LEAK));

/** With the first of those lines. */
function someLeaks(failures: readonly string[]): readonly string[] {
  const leaks = failures.filter((each) => each.startsWith(LEAK));
  const more = leaks.length > MOST_LEAKS ? [`${LEAK}${leaks.length - MOST_LEAKS} lines more`] : [];
  return [...withoutLeaks(failures), ...leaks.slice(0, MOST_LEAKS), ...more];
}

/** A line a fault, and under them why some fail; of none nothing. */
export function chaosTable(results: readonly FaultResult[]): string {
  if (results.length === 0) return '';
  const failures = results.flatMap(({ name, failures: lines }) => someLeaks(lines).map((each) => `${name}: ${each}`));
  return [table(HEAD, results.map(cells)), ...(failures.length === 0 ? [] : ['', ...failures])].join('\n');
}

/** A finding may hold what a command said. */
const oneLine = (text: string): string => text.replace(/[\s|]+/g, ' ').slice(0, 200);

const limit = (ms: number): string => (Number.isFinite(ms) ? time(ms) : 'any');

const line = (list: readonly string[]): string => `| ${list.join(' | ')} |`;

/** The same as Markdown, with each budget. */
export function chaosMarkdown(results: readonly FaultResult[]): string {
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
    const { budget, lost, sent, gapMs, failures, notes } = result;
    return line([
      ...[String(result.row), `\`${result.name}\``, `${lost} of ${sent}`],
      ...[`${time(gapMs)} (${limit(budget.gapMs)})`, `${healing(result)} (${limit(budget.healMs)})`, stream(result)],
      ...[String(result.leaks.length), String(result.duplicates + result.repeated)],
      [failures.length === 0 ? 'ok' : `**fails**: ${someLeaks(failures).map(oneLine).join('; ')}`, ...notes].join('; '),
    ]);
  });
  return [line(head), line(head.map(() => '---')), ...lines].join('\n');
}

const LONGEST_REMARK = 110;
/** What the figures say already. */
const IN_FIGURES =
  /^(gap \d|healed after |\d+ packets lost|\d+ packets of |did not heal |a node does not become well$|leak: )/;

/** What is to be said of one besides its figures. */
function remarks({ notes, failures, leaks }: FaultResult): string {
  const said = failures.filter((each) => !IN_FIGURES.test(each)).map((each) => oneLine(each).slice(0, LONGEST_REMARK));
  const lines = leaks.length === 0 ? [] : [`lines of the kernel that differ: ${leaks.length}`];
  return [...said, ...lines, ...notes].join('; ');
}

const lostIn = ({ lost, sent }: FaultResult): string => `${lost} of ${sent}`;
const gapIn = ({ lost, gapMs }: FaultResult): string => (lost === 0 ? '-' : time(gapMs));

/** Two daemons on the same faults, as Markdown: what the first and what the second lost, and what is to be said of the second. */
export function besideMarkdown(own: readonly FaultResult[], other: readonly FaultResult[], name: string): string {
  const columns = ['lost of sent', 'longest gap', 'time to heal'];
  const head = ['row', 'fault', ...columns, ...columns.map((column) => `${name}: ${column}`), name];
  const lines = other.map((theirs) => {
    const ours = own.find((each) => each.name === theirs.name);
    const figures = (of: FaultResult | undefined) => (of ? [lostIn(of), gapIn(of), healing(of)] : ['', '', '']);
    return line([String(theirs.row), `\`${theirs.name}\``, ...figures(ours), ...figures(theirs), remarks(theirs)]);
  });
  return [line(head), line(head.map(() => '---')), ...lines].join('\n');
}
