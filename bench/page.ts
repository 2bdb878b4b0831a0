/** Puts results into the page of benchmarks. */
import { readFileSync, writeFileSync } from 'node:fs';

/** Replaces what is between `<!-- NAME: begin -->` and its end in this file. Throws where the file has no such marks. */
export function writeBetween(file: string, name: string, text: string): void {
  const marks = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`] as const;
  const page = readFileSync(file, 'utf8');
  const [from, to] = marks.map((mark) => page.indexOf(mark)) as [number, number];
  if (from < 0 || to < from) throw new Error(`${file} has no ${marks.join(' … ')}`);
  writeFileSync(file, `${page.slice(0, from + marks[0].length)}\n\n${text}\n\n${page.slice(to)}`);
}
