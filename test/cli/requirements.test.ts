import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/root.ts';

const PAGE = 'docs/requirements.md';
const page = readFileSync(join(packageRoot(), PAGE), 'utf8');

interface Row {
  readonly number: number;
  /** Says why there is no test. */
  readonly isOpen: boolean;
  readonly tests: readonly (readonly [file: string, titles: readonly string[]])[];
}

const testsIn = (cell: string): Row['tests'] =>
  cell.split('`test/').flatMap((part) => {
    const [file, rest] = part.split('`: ');
    if (file === undefined || rest === undefined) return [];
    return [[`test/${file}`, [...rest.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title)] as const];
  });

const rows: Row[] = [...page.matchAll(/^\| (\d+) \| [^|]+ \|(.*)\|$/gm)].map(([, number, cell = '']) => ({
  number: Number(number),
  isOpen: cell.includes('not tested yet: '),
  tests: testsIn(cell),
}));

describe(PAGE, () => {
  it('has every promise once, each with a test or the reason why there is none', () => {
    assert.deepEqual(
      rows.map(({ number }) => number),
      Array.from({ length: 25 }, (_, i) => i + 1),
    );
    const open = rows.filter(({ tests, isOpen }) => !isOpen && tests.flatMap(([, titles]) => titles).length === 0);
    assert.deepEqual(
      open.map(({ number }) => number),
      [],
    );
  });

  for (const { number, tests } of rows)
    it(`${number}: its tests are there, by these titles`, () => {
      for (const [file, titles] of tests) {
        const path = join(packageRoot(), file);
        assert.ok(existsSync(path), file);
        const text = readFileSync(path, 'utf8');
        for (const title of titles) assert.ok(text.includes(title), `${file}: ${title}`);
      }
    });
});
