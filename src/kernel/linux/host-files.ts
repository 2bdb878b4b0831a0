/** Values under /proc/sys and files written whole. */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { isMissing, readIfThere, writeFileAtomic } from '../../files/atomic.ts';
import type { Lane } from '../runs.ts';
import { keyOf, type ManagedFile, type Observed, type Step, type Sysctl } from '../state.ts';

/** Components divided by dots; a dot inside one (VLAN devices) is written `/`, as sysctl(8) has it. Nothing can climb out. */
const SYSCTL_NAME = /^[a-z0-9_]+(?:\.[A-Za-z0-9_@:+-]+(?:\/[A-Za-z0-9_@:+-]+)*)+$/;

const sysctlPath = (name: string): string | undefined =>
  SYSCTL_NAME.test(name)
    ? `/proc/sys/${name
        .split('.')
        .map((part) => part.replaceAll('/', '.'))
        .join('/')}`
    : undefined;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The value with its blanks made single spaces (the kernel divides some by tabs); `undefined`: this kernel has none. */
async function readSysctl(name: string): Promise<Sysctl | undefined> {
  const path = sysctlPath(name);
  if (path === undefined) return undefined;
  const value = await readFile(path, 'utf8').catch(() => undefined);
  return value === undefined ? undefined : { kind: 'sysctl', name, value: value.trim().replace(/\s+/g, ' ') };
}

async function writeSysctl(step: Step): Promise<string | undefined> {
  const { name, value } = step.object as Sysctl;
  const path = sysctlPath(name);
  if (path === undefined) return `${JSON.stringify(name)} is not the name of a sysctl`;
  // A setting has no "gone"; what it was before is not known here, so it stays.
  if (step.action === 'remove') return undefined;
  return writeFile(path, value).then(() => undefined, reasonOf);
}

export const sysctlLane: Lane = async (steps) => {
  const reasons: (string | undefined)[] = [];
  for (const step of steps) reasons.push(await writeSysctl(step));
  return reasons;
};

async function readManaged(path: string): Promise<ManagedFile | undefined> {
  const content = await readIfThere(path);
  if (content === undefined) return undefined;
  const found = await stat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  return found && { kind: 'file', path, content, mode: found.mode & 0o7777 };
}

async function writeManaged(step: Step): Promise<string | undefined> {
  const { path, content, mode } = step.object as ManagedFile;
  const done = step.action === 'remove' ? rm(path, { force: true }) : writeFileAtomic(path, content, mode);
  return done.then(() => undefined, reasonOf);
}

export const fileLane: Lane = async (steps) => {
  const reasons: (string | undefined)[] = [];
  for (const step of steps) reasons.push(await writeManaged(step));
  return reasons;
};

/** Settings are the system's, whoever changed them last. */
export async function observeSysctls(names: readonly string[], state: Map<string, Observed>): Promise<void> {
  for (const object of await Promise.all(names.map(readSysctl))) {
    if (object) state.set(keyOf(object), { object, ours: false, owner: 'system setting' });
  }
}

/** Files have no owner of their own either: the path is what we are told to keep. */
export async function observeFiles(paths: readonly string[], state: Map<string, Observed>): Promise<void> {
  for (const object of await Promise.all(paths.map(readManaged))) {
    if (object) state.set(keyOf(object), { object, ours: false, owner: 'file' });
  }
}
