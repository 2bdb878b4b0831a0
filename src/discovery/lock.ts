import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { birthOf } from '../etcd/proc.ts';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';

const mark = (pid: number): string => `${pid} ${birthOf(pid)}`;

/**
 * Makes the folder (0700 where it is not there) this process' own: two servers would each write over what the other knows. A mark left by a process that is gone does
 * not count. Resolves to what gives it back; rejects with FOLDER_IN_USE or
 * FILE_FAILED.
 */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch((error: Error) => {
    throw new TsflannelError('FILE_FAILED', { file: dir, detail: error.message }, error);
  });
  const file = join(dir, 'server.pid');
  const there = (await readIfThere(file))?.trim() ?? '';
  const pid = Number(there.split(' ')[0]);
  const lives = Number.isInteger(pid) && pid > 1 && pid !== process.pid && birthOf(pid) !== '' && mark(pid) === there;
  if (lives) throw new TsflannelError('FOLDER_IN_USE', { dir, pid });
  await writeFileAtomic(file, `${mark(process.pid)}\n`, 0o600);
  return () => rm(file, { force: true });
}
