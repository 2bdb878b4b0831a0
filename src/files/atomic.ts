/**
 * files/ knows how files are written so that a reader never sees half of one, and the formats of our own files.
 * It must not know etcd, the kernel or commands. What it reads is parsed before it is handed on.
 */

import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { failPoint } from '../fail-point.ts';
import { unfinishedPath } from './unfinished.ts';

const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** ESRCH: the process whose file in /proc was being read has ended. */
const MISSING: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'ESRCH']);

/** Whether the error says that the file is not there. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && MISSING.has(error.code);

/** `undefined` for what is not there; other failures go on. */
const unlessMissing = (error: unknown): undefined => {
  if (isMissing(error)) return undefined;
  throw error;
};

interface Owner {
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** A file that is there keeps its owner, and its mode where none is asked for. */
async function ownerOf(path: string, mode: number | undefined): Promise<Owner> {
  const now = await stat(path).catch(unlessMissing);
  return now ? { mode: mode ?? now.mode & 0o7777, uid: now.uid, gid: now.gid } : { mode: mode ?? 0o644 };
}

async function writeSynced(path: string, content: string | Uint8Array, owner: Owner): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    if (owner.uid !== undefined && owner.gid !== undefined) await file.chown(owner.uid, owner.gid);
    // The mode given to open is cut by the umask, and chown clears set-id bits; this one stands.
    await file.chmod(owner.mode);
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
 * A symbolic link is written through, a file that is there keeps its owner and, without `mode`, its mode (0644 for a new one).
 * A crash at any moment leaves the old file or the new one. Rejects with FILE_FAILED.
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array, mode?: number): Promise<void> {
  let temporary: string | undefined;
  try {
    const target = (await realpath(path).catch(unlessMissing)) ?? path;
    await mkdir(dirname(target), { recursive: true });
    temporary = unfinishedPath(dirname(target));
    await writeSynced(temporary, content, await ownerOf(target, mode));
    failPoint('file-written');
    await rename(temporary, target);
    await syncFolder(dirname(target));
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { force: true });
    throw new TsflannelError('FILE_FAILED', { file: path, detail: errorText(error) }, error);
  }
}

/** Removes the file; none there is fine. Rejects with FILE_FAILED. */
export async function removeFile(path: string): Promise<void> {
  failPoint('file-removing');
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw new TsflannelError('FILE_FAILED', { file: path, detail: errorText(error) }, error);
  }
}

/** The file's bytes, or `undefined` when it is not there. Rejects with FILE_UNREADABLE on any other failure. */
export async function readBytesIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path).catch(unlessMissing);
  } catch (error) {
    throw new TsflannelError('FILE_UNREADABLE', { file: path, detail: errorText(error) }, error);
  }
}

/** The file's text, or `undefined` when it is not there. Rejects with FILE_UNREADABLE on any other failure. */
export const readIfThere = async (path: string): Promise<string | undefined> =>
  (await readBytesIfThere(path))?.toString('utf8');
