import { Flags } from '@oclif/core';
import { stringify, stringifyLine } from '../model/json.ts';

export const FORMATS = ['table', 'json', 'jsonl', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

/** Of commands that list something. */
export const listFlag = {
  output: Flags.option({ options: FORMATS })({
    char: 'o',
    description: 'table, json (as --json), jsonl (a line for each of the list) or yaml',
    default: 'table',
    exclusive: ['json'],
    helpGroup: 'GLOBAL',
  }),
};

const isFormat = (text: string | undefined): text is Format => FORMATS.some((format) => format === text);

/** What is asked for, looked up in argv itself, since errors are printed in it too when parsing failed. */
export function formatIn(argv: readonly string[]): Format {
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  if (own.includes('--json')) return 'json';
  const said = own.map((word, i) =>
    word === '-o' || word === '--output' ? own[i + 1] : /^(?:-o|--output)=?(.+)$/.exec(word)?.[1],
  );
  return said.findLast(isFormat) ?? 'table';
}

/** One of many documents in one output: a line, or one of YAML's documents. */
export const renderNext = async (format: Format, document: Readonly<Record<string, unknown>>): Promise<string> =>
  format === 'yaml' ? `---\n${await render(format, document)}` : stringifyLine(document);

/** A document as machines read it; of a result with a list, jsonl is a line for each of the list, with the schemaVersion in each. */
export async function render(
  format: Exclude<Format, 'table'>,
  document: Readonly<Record<string, unknown>>,
  list?: string,
): Promise<string> {
  if (format === 'json') return stringify(document);
  if (format === 'yaml') {
    const { yaml } = await import('./yaml.ts');
    return yaml(JSON.parse(stringify(document)));
  }
  const items = list === undefined ? undefined : document[list];
  if (!Array.isArray(items)) return stringifyLine(document);
  const { schemaVersion } = document;
  return items.map((item: object) => stringifyLine({ schemaVersion, ...item })).join('\n');
}
