import { stripVTControlCharacters } from 'node:util';

const width = (cell: string): number => stripVTControlCharacters(cell).length;

/** Columns aligned by spaces, two between them, upper-case heads, no borders; wide enough for the widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head.map((name) => name.toUpperCase()), ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))));
  const line = (row: readonly string[]) =>
    head
      .map((_, column) => pad(row[column] ?? '', widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}

const pad = (cell: string, to: number): string => cell + ' '.repeat(Math.max(0, to - width(cell)));
