import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../files/atomic.ts';

/**
 * A member that etcd has begun to make and was killed over: its log is there and holds nothing yet. etcd takes such a log for that of a
 * member of a cluster without members, and waits for a leader for ever. Nothing was promised to anybody by a log without an entry or a
 * vote, so that it may be made again.
 */

/** Kinds of record in etcd's write-ahead log (walpb): an entry, and the state (term and vote). */
const PROMISES = new Set([2, 3]);
/** What a new log begins with takes some hundred bytes. */
const HEAD = 65_536;
const SIZE = 8;

/**
 * Whether this beginning of a log file holds neither entry nor state. A record is a length (56 bits, little-endian, then a byte of
 * padding) and a message whose first field is its kind; the file ends in zeros.
 */
export function isEmptyLog(bytes: Buffer): boolean {
  for (let at = 0; at + SIZE < bytes.length; ) {
    const length = bytes.readUIntLE(at, 6);
    const padding = bytes[at + 7] ?? 0;
    if (length === 0) return true;
    if (bytes[at + SIZE] !== 0x08 || PROMISES.has(bytes[at + SIZE + 1] ?? 0)) return false;
    at += SIZE + length + (padding & 0x80 ? padding & 7 : 0);
  }
  return false;
}

async function headOf(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Takes the beginnings of a member away, where there is nothing more of it; resolves to whether there were any. */
export async function removeUnborn(dataDir: string): Promise<boolean> {
  const member = join(dataDir, 'member');
  const list = (dir: string) =>
    readdir(dir).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
  const logs = (await list(join(member, 'wal'))).filter((name) => name.endsWith('.wal'));
  const snapshots = (await list(join(member, 'snap'))).filter((name) => name.endsWith('.snap'));
  const [log] = logs;
  if (!log || logs.length > 1 || snapshots.length > 0) return false;
  if (!isEmptyLog(await headOf(join(member, 'wal', log)))) return false;
  await rm(member, { recursive: true });
  return true;
}
