import assert from 'node:assert/strict';
import type { FaultResult } from '../../../src/model/fault-figures.ts';
import { besideMarkdown, chaosMarkdown, chaosTable } from '../../../src/output/chaos.ts';

const WELL: FaultResult = {
  ...{ row: 16, name: 'route-deleted', sent: 1000, lost: 30, repeated: 0, gapMs: 30, healMs: 60, healed: true },
  ...{ resets: 0, stallMs: 20, leaks: [], duplicates: 0, tookMs: 90, budget: { gapMs: 1000, healMs: 1000 } },
  ...{ notes: [], failures: [] },
};
const leaks = Array.from({ length: 20 }, (_, i) => `n4 routes: - route ${i}`);
const STUCK: FaultResult = {
  ...{ ...WELL, lost: 900, gapMs: 29_000, healMs: 30_000, healed: false, leaks, notes: ['n4 ended by itself'] },
  failures: [
    'though packets pass',
    'gap 29000 ms of 1000',
    'did not heal in 30 s; restarted',
    ...leaks.map((line) => `leak: ${line}`),
  ],
};

describe('the tables of faults', () => {
  it('say that one did not heal, and how long it was waited for', () => {
    for (const text of [chaosTable([STUCK]), chaosMarkdown([STUCK])]) {
      assert.match(text, /not in 30\.0 s/);
      assert.match(text, /did not heal in 30 s; restarted/);
    }
  });

  it('show some of many lines of a kernel', () => {
    const lines = chaosTable([STUCK])
      .split('\n')
      .filter((each) => each.includes('leak: '));
    assert.equal(lines.length, 9);
    assert.match(lines.at(-1) ?? '', /12 lines more/);
  });
});

describe('two daemons on the same faults', () => {
  it('are a line a fault, with what is to be said of the second', () => {
    const lines = besideMarkdown([WELL], [STUCK], 'flanneld').split('\n');
    assert.match(lines[0] ?? '', /\| time to heal \| flanneld: lost of sent \|/);
    assert.equal(
      lines[2],
      '| 16 | `route-deleted` | 30 of 1000 | 30 ms | 60 ms | 900 of 1000 | 29.0 s | not in 30.0 s | ' +
        'though packets pass; lines of the kernel that differ: 20; n4 ended by itself |',
    );
  });

  it('has empty cells for what the first was not put to', () => {
    assert.match(besideMarkdown([], [WELL], 'flanneld'), /`route-deleted` \| {2}\| {2}\| {2}\| 30 of 1000/);
  });
});
