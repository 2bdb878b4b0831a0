import assert from 'node:assert/strict';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readIfThere, removeFile, writeFileAtomic } from '../../../src/files/atomic.ts';

describe('files/atomic', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tsflannel-files-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('writes a new file, its folders too, with the mode asked for', async () => {
    const path = join(dir, 'a/b/subnet.env');
    await writeFileAtomic(path, 'x', 0o600);
    assert.equal(await readFile(path, 'utf8'), 'x');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(join(dir, 'a/b')), ['subnet.env']);
  });

  it('keeps the mode of a file that is there, and gives 0644 to a new one', async () => {
    const path = join(dir, 'daemon.json');
    await writeFileAtomic(path, '1');
    assert.equal((await stat(path)).mode & 0o777, 0o644);
    await chmod(path, 0o640);
    await writeFileAtomic(path, '2');
    assert.equal((await stat(path)).mode & 0o777, 0o640);
  });

  it('writes through a symbolic link', async () => {
    await writeFile(join(dir, 'real'), 'old');
    await symlink('real', join(dir, 'link'));
    await writeFileAtomic(join(dir, 'link'), 'new');
    assert.ok((await lstat(join(dir, 'link'))).isSymbolicLink());
    assert.equal(await readFile(join(dir, 'real'), 'utf8'), 'new');
  });

  it('leaves nothing behind when it fails', async () => {
    const path = join(dir, 'taken');
    await mkdir(join(path, 'sub'), { recursive: true });
    await assert.rejects(writeFileAtomic(path, 'x'), { code: 'FILE_FAILED' });
    assert.deepEqual(await readdir(dir), ['taken']);
  });

  it('reads and removes what may be absent', async () => {
    const path = join(dir, 'f');
    assert.equal(await readIfThere(path), undefined);
    assert.equal(await readIfThere(join(path, 'below')), undefined);
    await writeFileAtomic(path, 'x');
    assert.equal(await readIfThere(path), 'x');
    await assert.rejects(readIfThere(dir), { code: 'FILE_UNREADABLE' });
    await removeFile(path);
    await removeFile(path);
    assert.equal(await readIfThere(path), undefined);
  });
});
