import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/root.ts';
import { type Block, blocksOf, ELSEWHERE, NOT_RUN, PAGES, STORY, typed } from '../support/doc-blocks.ts';

const blocks = PAGES.flatMap(blocksOf);
const textOf = ({ lines }: Block): string => lines.join('\n');
const placeOf = ({ page, at, lines: [first = ''] }: Block): string => `${page}:${at}: ${first}`;

const isRun = ({ page, lines: [first = ''] }: Block): boolean =>
  STORY.some((step) => step.page === page && step.first === first) || first in ELSEWHERE || page in ELSEWHERE;
/** The same lines stand in both READMEs. */
const run = new Set(blocks.filter(isRun).map(textOf));

describe('blocks of commands in the documents', () => {
  it('are run by a test each, or it is said why not', () => {
    assert.ok(blocks.length > 25, String(blocks.length));
    const open = blocks.filter((block) => !run.has(textOf(block)) && !((block.lines[0] ?? '') in NOT_RUN));
    assert.deepEqual(open.map(placeOf), [], 'see test/support/doc-blocks.ts');
  });

  it('are there, if the table has them', () => {
    const firsts = new Set(blocks.map(({ lines }) => lines[0]));
    const named = [...STORY.map(({ first }) => first), ...Object.keys(ELSEWHERE), ...Object.keys(NOT_RUN)];
    assert.deepEqual(
      named.filter((first) => !firsts.has(first) && !PAGES.includes(first)),
      [],
    );
    for (const { page, first, but = {} } of STORY) {
      const block = blocks.find((one) => one.page === page && one.lines[0] === first);
      assert.ok(block, `${page}: ${first}`);
      for (const line of Object.keys(but)) assert.ok(block.lines.map(typed).includes(line), `${page}: ${line}`);
    }
  });

  it('are run elsewhere by tests that there are', () => {
    for (const [what, file] of Object.entries(ELSEWHERE)) {
      const path = join(packageRoot(), file);
      assert.ok(existsSync(path), file);
      if (!PAGES.includes(what)) continue;
      const own = blocks.filter(({ page, lines }) => page === what && !((lines[0] ?? '') in ELSEWHERE));
      for (const line of own.flatMap(({ lines }) => lines)) assert.match(line, /^node-\d# tsflannel /, what);
      assert.ok(readFileSync(path, 'utf8').includes(`'${what.replace('docs/', '')}'`), `${file}: ${what}`);
    }
  });

  it('ask Prometheus for metrics that there are', () => {
    const page = readFileSync(join(packageRoot(), 'docs', 'metrics.md'), 'utf8');
    const asked = blocksOf('docs/metrics.md').flatMap(({ lines }) => lines.join(' ').match(/\btsflannel_\w+/g) ?? []);
    assert.ok(asked.length >= 5);
    for (const name of asked) assert.ok(page.includes(`| \`${name}\` |`), name);
  });
});
