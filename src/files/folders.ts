import { mkdir, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TsflannelError } from '../errors.ts';

const upTo = (top: string, path: string): string[] => (path === top ? [path] : [...upTo(top, dirname(path)), path]);

/** Makes the folders with their parents (0755); returns those that were not there, outermost first. Rejects with FILE_FAILED. */
export async function makeFolders(paths: readonly string[]): Promise<readonly string[]> {
  const made: string[] = [];
  for (const path of paths) {
    try {
      const first = await mkdir(path, { recursive: true, mode: 0o755 });
      if (first !== undefined) made.push(...upTo(first, path));
    } catch (error) {
      throw new TsflannelError('FILE_FAILED', { file: path, detail: (error as Error).message }, error);
    }
  }
  return made;
}

/** Removes those of the folders that are empty, innermost first. Others stay: somebody uses them. */
export async function removeEmptyFolders(paths: readonly string[]): Promise<void> {
  for (const path of [...paths].sort((a, b) => b.length - a.length)) await rmdir(path).catch(() => undefined);
}
