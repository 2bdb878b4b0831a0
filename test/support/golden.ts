import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Compares the text with test/golden/`name`; with TSFLANNEL_GOLDEN=write in the environment it is written there instead. */
export async function golden(name: string, text: string): Promise<void> {
  const path = fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
  if (process.env.TSFLANNEL_GOLDEN === 'write') {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  assert.equal(text, await readFile(path, 'utf8'), `${name} (TSFLANNEL_GOLDEN=write writes it anew)`);
}
