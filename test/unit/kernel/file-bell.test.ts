import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileBell } from '../../../src/kernel/linux/file-bell.ts';
import { until } from '../../support/until.ts';

describe('the bell of files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'file-bell-'));
  const file = join(folder, 'run', 'subnet.env');
  const other = join(folder, 'run', 'other');
  let rings = 0;
  const bell = openFileBell(() => rings++);
  after(() => {
    bell.close();
    rmSync(folder, { recursive: true });
  });

  const ringsOnce = async (what: string) => {
    await until(what, () => rings > 0);
    rings = 0;
  };

  it('rings when a file is written, changed or deleted by another', async () => {
    mkdirSync(join(folder, 'run'));
    bell.follow([file]);
    writeFileSync(file, 'a');
    await ringsOnce('a ring for a new file');
    writeFileSync(file, 'ab');
    await ringsOnce('a ring for a changed file');
    rmSync(file);
    await ringsOnce('a ring for a deleted file');
  });

  it('does not ring for our own writing, nor for other files', async () => {
    bell.begin();
    writeFileSync(file, 'ours');
    bell.settle();
    writeFileSync(other, 'x');
    writeFileSync(file, 'not ours');
    await ringsOnce('a ring for what came after ours');
    assert.equal(rings, 0);
  });

  it('follows a folder that is made anew', async () => {
    rmSync(join(folder, 'run'), { recursive: true });
    await ringsOnce('a ring for what went with the folder');
    bell.follow([file]);
    mkdirSync(join(folder, 'run'));
    bell.follow([file]);
    writeFileSync(file, 'again');
    await ringsOnce('a ring in the new folder');
  });
});
