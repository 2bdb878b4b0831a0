import { randomBytes } from 'node:crypto';
import { access, open, rename, rm } from 'node:fs/promises';
import { TsflannelError } from '../errors.ts';
import { type CareParts, withMaintenance } from './care.ts';
import { withKv } from './members.ts';
import { createSum, type Sum } from './snapshot-sum.ts';

/** A snapshot on disk. */
export interface Saved {
  readonly file: string;
  readonly bytes: number;
  /** Of the database, in hexadecimal. */
  readonly sha256: string;
  /** The snapshot holds this revision, or a newer one. */
  readonly revision: bigint;
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

async function download(parts: CareParts, file: string): Promise<Sum> {
  const sum = createSum();
  const handle = await open(file, 'wx', 0o600);
  try {
    await withMaintenance(parts, {}, (maintenance) =>
      maintenance.snapshot(async (chunk) => {
        sum.push(chunk);
        await handle.writeFile(chunk);
      }),
    );
    await handle.sync();
  } finally {
    await handle.close();
  }
  return sum;
}

/** Where a snapshot would be taken from. */
export interface Source {
  readonly revision: bigint;
  /** Bytes of the database. */
  readonly dbSize: bigint;
}

/** What the member in use would give. Rejects with FILE_EXISTS unless `force`, or what the connection causes. */
export async function lookAtSource(parts: CareParts, file: string, force: boolean): Promise<Source> {
  if (!force && (await exists(file))) throw new TsflannelError('FILE_EXISTS', { file });
  return withKv(parts.openKv, parts.kv, (kv) => kv.status());
}

/**
 * Saves the database of the member in use as etcdctl does: checked by its sha256, 0600, under its name only when it is whole.
 * Rejects with FILE_EXISTS unless `force`, with SNAPSHOT_INVALID, FILE_FAILED or what the connection causes.
 */
export async function saveSnapshot(parts: CareParts, file: string, force: boolean): Promise<Saved> {
  const { revision } = await lookAtSource(parts, file, force);
  const part = `${file}.part-${randomBytes(4).toString('hex')}`;
  try {
    const sum = await download(parts, part);
    const detail = sum.problem();
    if (detail !== undefined) throw new TsflannelError('SNAPSHOT_INVALID', { file, detail });
    await rename(part, file);
    return { file, bytes: sum.bytes(), sha256: sum.sha256(), revision };
  } catch (error) {
    await rm(part, { force: true });
    throw error instanceof TsflannelError
      ? error
      : new TsflannelError('FILE_FAILED', { file, detail: (error as Error).message }, error);
  }
}
