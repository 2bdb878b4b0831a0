/**
 * files/ knows how files are written so that a reader never sees half of one, and the formats of our own files.
 * It must not know etcd, the kernel or commands. What it reads is parsed before it is handed on.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TsflannelError } from '../errors.ts';

const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether the error says that the file is not there. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

async function writeSynced(path: string, content: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(content);
    // The mode given to open is cut by the umask; this one is not.
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes the whole file beside its place, syncs it and renames it there; missing folders are made (0755).
 * A crash at any moment leaves the old file or the new one. Rejects with FILE_FAILED.
 */
export async function writeFileAtomic(path: string, content: string, mode = 0o644): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.tsflannel-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(folder, { recursive: true });
    await writeSynced(temporary, content, mode);
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new TsflannelError('FILE_FAILED', { file: path, detail: errorText(error) }, error);
  }
}

/** The file's text, or `undefined` when it is not there. Rejects with FILE_UNREADABLE on any other failure. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new TsflannelError('FILE_UNREADABLE', { file: path, detail: errorText(error) }, error);
  }
}
