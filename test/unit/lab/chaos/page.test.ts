import assert from 'node:assert/strict';
import { mergeTables } from '../../../../src/lab/chaos/page.ts';

const HEAD = '| row | fault | lost |\n| --- | --- | --- |';

describe('chaos: a table of some faults', () => {
  it('replaces their lines, keeps the others, and stays in the order of rows', () => {
    const old = `<!-- begin -->\n${HEAD}\n| 1 | \`a\` | 5 |\n| 16 | \`c\` | 5 |\n`;
    const merged = mergeTables(old, `${HEAD}\n| 7 | \`b\` | 6 |\n| 16 | \`c\` | 6 |`);
    assert.equal(merged, `${HEAD}\n| 1 | \`a\` | 5 |\n| 7 | \`b\` | 6 |\n| 16 | \`c\` | 6 |`);
  });

  it('is the new one where there was none', () => {
    const table = `${HEAD}\n| 1 | \`a\` | 5 |`;
    assert.equal(mergeTables('<!-- begin -->\n', table), table);
  });
});
