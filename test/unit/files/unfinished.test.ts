import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { writeFileAtomic } from '../../../src/files/atomic.ts';
import { removeUnfinished, unfinishedPath } from '../../../src/files/unfinished.ts';
import { packageRoot } from '../../../src/root.ts';

describe('files that were being written when their writer was killed', () => {
  let dir = '';
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'unfinished-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('are removed, and nothing else is', async () => {
    const code = `import { writeFileAtomic } from '${join(packageRoot(), 'src/files/atomic.ts')}';
      await writeFileAtomic('${join(dir, 'state.json')}', 'new');`;
    await writeFileAtomic(join(dir, 'state.json'), 'old');
    const env = { TSF_FAILPOINT: 'file-written:kill' };
    const { signal } = await execa(process.execPath, ['--input-type=module', '-e', code], { env, reject: false });
    assert.equal(signal, 'SIGKILL');
    assert.equal((await readdir(dir)).length, 2, 'it was killed while it wrote');
    await writeFile(unfinishedPath(dir), 'of a process that lives');
    for (const name of ['.tsflannel-notes', '.tsflannel-12-short', 'subnet.env']) await writeFile(join(dir, name), '');
    await removeUnfinished([dir, dir, join(dir, 'nowhere')]);
    const kept = (await readdir(dir)).map((name) => name.replace(/-\d+-[0-9a-f]{12}$/, '-PID')).sort();
    assert.deepEqual(kept, ['.tsflannel-12-short', '.tsflannel-PID', '.tsflannel-notes', 'state.json', 'subnet.env']);
  });
});
