import { readFile } from 'node:fs/promises';
import { TsflannelError } from '../../errors.ts';
import { writeFileAtomic } from '../../files/atomic.ts';
import type { FaultResult } from '../../model/fault-figures.ts';
import { besideMarkdown, chaosMarkdown } from '../../output/chaos.ts';

/** What a table is about. */
export interface TableOf {
  readonly backend: string;
  readonly carrier?: string | undefined;
  readonly soak: boolean;
  /** Another daemon's name. */
  readonly subject?: string | undefined;
  readonly mixed?: boolean | undefined;
  /** tsflannel's figures on the same faults: the table compares. */
  readonly beside?: readonly FaultResult[] | undefined;
  /** Lines of other faults stay as they are. */
  readonly some: boolean;
}

const nameOf = ({ backend, carrier, subject, soak, mixed, beside }: TableOf): string =>
  [
    ...[backend, ...(carrier === undefined ? [] : [carrier])],
    ...[...(mixed ? ['mixed'] : []), ...(beside ? ['beside'] : [])],
    ...[...(subject === undefined ? [] : [subject]), ...(soak ? ['soak'] : [])],
  ].join(' ');

/** Row and fault of a line of the table. */
const LINE = /^\| (\d+) \| `([^`]+)`/;

/** The new table, and of the old one the lines of faults that the new one has not, in the order of rows. */
export function mergeTables(old: string, table: string): string {
  const rowOf = (line: string): number => Number(LINE.exec(line)?.[1]);
  const all = table.split('\n');
  const [head, fresh] = [all.filter((line) => !LINE.test(line)), all.filter((line) => LINE.test(line))];
  const byName = new Map(
    [...old.split('\n'), ...fresh].flatMap((line) => {
      const name = LINE.exec(line)?.[2];
      return name === undefined ? [] : [[name, line] as const];
    }),
  );
  return [...head, ...[...byName.values()].sort((a, b) => rowOf(a) - rowOf(b))].join('\n');
}

/** Puts the table between `<!-- chaos BACKEND: begin -->` and its end. Throws USAGE where the page has no such marks. */
export async function writeTable(file: string, of: TableOf, results: readonly FaultResult[]): Promise<void> {
  const [begin, end] = ['begin', 'end'].map((what) => `<!-- chaos ${nameOf(of)}: ${what} -->`) as [string, string];
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new TsflannelError('FILE_UNREADABLE', { file, detail: error.message }, error);
  });
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from)
    throw new TsflannelError('USAGE', { detail: `--write ${file}: there is no ${begin} in it` });
  const table = of.beside ? besideMarkdown(of.beside, results, of.subject ?? '') : chaosMarkdown(results);
  const whole = of.some ? mergeTables(text.slice(from, to), table) : table;
  await writeFileAtomic(file, `${text.slice(0, from)}${begin}\n${whole}\n${text.slice(to)}`, 0o644);
}
