import { readdirSync, readFileSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { TsflannelError } from '../errors.ts';
import { checkName, needRoot } from './lab.ts';
import { killAll, processesOf } from './processes.ts';
import { inodeOf, namespacesOf, unwire } from './topology.ts';

/** What `down` found and removed. */
export interface Removed {
  readonly processes: number;
  readonly namespaces: number;
  readonly mounts: number;
  /** A folder of the lab was there. */
  readonly files: boolean;
}

/** mountinfo writes blanks and backslashes as octal. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));

/** Mount points below the folder, the latest first. */
function mountsBelow(dir: string): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => unescaped(line.split(' ')[4] ?? ''));
  return points.filter((point) => point.startsWith(`${dir}/`)).reverse();
}

/** Detaches every mount below the folder. Rejects when one stays: removing files through it could remove somebody else's. */
async function unmount(dir: string): Promise<number> {
  const points = mountsBelow(dir);
  for (const point of points) await execa('umount', ['--lazy', point], { reject: false });
  const [left] = mountsBelow(dir);
  if (left !== undefined) throw new TsflannelError('LAB_STUCK', { detail: `${left} cannot be unmounted` });
  return points.length;
}

/** Control groups of the lab's containers, which the kernel keeps until somebody removes them: innermost first. */
async function removeCgroups(name: string): Promise<void> {
  const hierarchies = ['/sys/fs/cgroup', ...subfolders('/sys/fs/cgroup')];
  for (const hierarchy of hierarchies) {
    const own = join(hierarchy, 'tsflannel-lab', name);
    for (const folder of [...deep(own), own, join(own, '..')]) await rmdir(folder).catch(() => undefined);
  }
}

/** Programs of carrier ebpf that a node's daemon has pinned, by the number of its namespace; the last folder goes with the last of them. */
export async function removePins(inodes: ReadonlySet<number>): Promise<void> {
  const root = '/sys/fs/bpf/tsflannel';
  for (const inode of inodes) await rm(join(root, String(inode)), { recursive: true }).catch(() => undefined);
  await rmdir(root).catch(() => undefined);
}

function subfolders(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(dir, entry.name));
  } catch {
    return [];
  }
}

const deep = (dir: string): string[] => subfolders(dir).flatMap((sub) => [...deep(sub), sub]);

/**
 * Ends the lab of this name, whatever state it is in: half made, its `lab up` killed, or gone already (then nothing is found).
 * Goes by what the kernel shows, not by the state file.
 */
export async function labDown(name: string, labs: string): Promise<Removed> {
  checkName(name);
  needRoot('end a lab');
  const dir = join(labs, name);
  const namespaces = await namespacesOf(name);
  const inodes = new Set(namespaces.map(inodeOf).filter((inode) => inode !== undefined));
  const processes = await killAll(() => processesOf(name, dir, inodes));
  const mounts = await unmount(dir);
  await removeCgroups(name);
  // While they have their numbers: a namespace that somebody makes then may get one of them.
  await removePins(inodes);
  await unwire(namespaces);
  const files = await rm(dir, { recursive: true }).then(
    () => true,
    () => false,
  );
  await rmdir(labs).catch(() => undefined); // others may still be in it
  return { processes, namespaces: namespaces.length, mounts, files };
}
