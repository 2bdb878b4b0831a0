import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { isMissing } from '../files/atomic.ts';
import type { CareParts } from './care.ts';
import { folder } from './folder.ts';
import { type Saved, saveSnapshot } from './snapshot.ts';

/**
 * Snapshots that are taken again and again into one folder, of which the newest are kept. Only files with a name of ours are looked at or
 * removed; the time is in the name, so that a copied folder stays what it was.
 */
export const SNAPSHOT_DIR = '/var/backups/tsflannel';
/** A week of them, taken every six hours. */
export const SNAPSHOTS_KEPT = 28;

/** One snapshot in the folder. */
export interface Taken {
  readonly file: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly bytes: number;
}

const NAME = /^etcd-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.db$/;
const PART = /^etcd-\d{8}T\d{6}Z\.db\.part-[0-9a-f]{8}$/;
/** No download takes longer: what is half written since then was left by one that was killed. */
const PART_MS = 86_400_000;

/** Name of a snapshot taken now, in UTC. */
export const snapshotName = (now: number): string =>
  `etcd-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')}.db`;

/** When the snapshot of this name was taken; `undefined`: it is no name of ours. */
export function timeOfName(name: string): number | undefined {
  const [, year, month, day, hour, minute, second] = NAME.exec(name) ?? [];
  if (year === undefined) return undefined;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at) ? undefined : at;
}

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isMissing(error)) return [];
    throw new TsflannelError('FILE_UNREADABLE', { file: dir, detail: (error as Error).message }, error);
  }
}

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

/** The snapshots in this folder, the newest first. Rejects with FILE_UNREADABLE. */
export async function listSnapshots(dir: string): Promise<readonly Taken[]> {
  const found = (await namesIn(dir)).flatMap((name) => {
    const at = timeOfName(name);
    return at === undefined ? [] : [{ file: join(dir, name), at }];
  });
  const sized = await Promise.all(found.map(async (one) => ({ ...one, bytes: await sizeOf(one.file) })));
  return sized.sort((a, b) => b.at - a.at);
}

async function removeParts(dir: string, now: number): Promise<void> {
  for (const name of (await namesIn(dir)).filter((one) => PART.test(one))) {
    const file = join(dir, name);
    const written = await stat(file).catch(() => undefined);
    if (written && now - written.mtimeMs > PART_MS) await rm(file, { force: true });
  }
}

/** Removes all but the `keep` newest and `fresh` itself; resolves to what is gone. */
async function prune(dir: string, keep: number, fresh: string): Promise<readonly string[]> {
  const rest = (await listSnapshots(dir)).filter(({ file }) => file !== fresh);
  const old = rest.slice(keep - 1).map(({ file }) => file);
  for (const file of old) await rm(file, { force: true });
  return old;
}

/** A file for a snapshot taken now; two may be asked for in one second. Rejects with FILE_UNREADABLE. */
export async function freeFile(dir: string, now = Date.now()): Promise<string> {
  const there = new Set(await namesIn(dir));
  let at = now;
  while (there.has(snapshotName(at))) at += 1000;
  return join(dir, snapshotName(at));
}

/** Saves a snapshot into the folder and, once it is whole, removes all but the `keep` newest. Rejects as saveSnapshot. */
export async function takeSnapshot(
  parts: CareParts,
  { dir, keep }: { readonly dir: string; readonly keep: number },
  now = Date.now(),
): Promise<{ readonly saved: Saved; readonly removed: readonly string[] }> {
  await folder(dir);
  const saved = await saveSnapshot(parts, await freeFile(dir, now), false);
  await removeParts(dir, now);
  return { saved, removed: await prune(dir, keep, saved.file) };
}
