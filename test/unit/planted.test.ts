/** `npm run test:planted` plants these bugs; here it is only seen that each can still be planted. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/root.ts';
import { PLANTED_BUGS } from '../planted/bugs.ts';

describe('planted bugs', () => {
  for (const { name, file, find, put, test } of PLANTED_BUGS)
    it(`can be planted: ${name}`, () => {
      const text = readFileSync(join(packageRoot(), file), 'utf8');
      assert.equal(text.split(find).length, 2, `${JSON.stringify(find)} occurs not once in ${file}`);
      assert.notEqual(find, put);
      assert.ok(existsSync(join(packageRoot(), test)), test);
    });

  it('are a dozen at least, each with a name of its own', () => {
    const names = new Set(PLANTED_BUGS.map(({ name }) => name));
    assert.ok(names.size >= 12 && names.size === PLANTED_BUGS.length);
  });
});
