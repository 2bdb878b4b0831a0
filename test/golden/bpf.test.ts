import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, OBJECT } from '../../scripts/bpf.ts';

describe('bpf/carrier.o', () => {
  it('is what clang makes of bpf/carrier.c (else: npm run bpf, with the clang that scripts/setup installs)', () => {
    const dir = mkdtempSync(join(tmpdir(), 'tsflannel-bpf-'));
    try {
      const object = join(dir, 'carrier.o');
      compile(object);
      assert.ok(readFileSync(object).equals(readFileSync(OBJECT)));
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
