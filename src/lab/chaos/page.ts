import { readFile } from 'node:fs/promises';
import { TsflannelError } from '../../errors.ts';
import { writeFileAtomic } from '../../files/atomic.ts';
import type { FaultResult } from '../../model/fault-figures.ts';
import { chaosMarkdown } from '../../output/chaos.ts';

/** What a table is about. */
export interface TableOf {
  readonly backend: string;
  readonly carrier?: string | undefined;
  readonly soak: boolean;
  /** Another daemon's program. */
  readonly subject?: string | undefined;
}

const nameOf = ({ backend, carrier, subject, soak }: TableOf): string =>
  [
    backend,
    ...(carrier === undefined ? [] : [carrier]),
    ...(subject === undefined ? [] : [subject.slice(subject.lastIndexOf('/') + 1)]),
    ...(soak ? ['soak'] : []),
  ].join(' ');

/** Puts the table between `<!-- chaos BACKEND: begin -->` and its end. Throws USAGE where the page has no such marks. */
export async function writeTable(file: string, of: TableOf, results: readonly FaultResult[]): Promise<void> {
  const [begin, end] = ['begin', 'end'].map((what) => `<!-- chaos ${nameOf(of)}: ${what} -->`) as [string, string];
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new TsflannelError('FILE_UNREADABLE', { file, detail: error.message }, error);
  });
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from)
    throw new TsflannelError('USAGE', { detail: `--write ${file}: there is no ${begin} in it` });
  const next = `${text.slice(0, from)}${begin}\n${chaosMarkdown(results)}\n${text.slice(to)}`;
  await writeFileAtomic(file, next, 0o644);
}
