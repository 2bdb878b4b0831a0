/** Files that are being written, beside the place they are meant for: named after their writer, so that a dead one's are known as such. */
import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from './alive.ts';

const NAME = /^\.tsflannel-([1-9]\d{0,9})-[0-9a-f]{12}$/;

/** A new name in the folder. */
export const unfinishedPath = (folder: string): string =>
  join(folder, `.tsflannel-${process.pid}-${randomBytes(6).toString('hex')}`);

/** Removes what processes that were killed had begun to write into these folders. */
export async function removeUnfinished(folders: readonly string[]): Promise<void> {
  for (const folder of new Set(folders)) {
    for (const name of await readdir(folder).catch((): string[] => [])) {
      const pid = NAME.exec(name)?.[1];
      if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true });
    }
  }
}
