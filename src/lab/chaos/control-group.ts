import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TsflannelError } from '../../errors.ts';
import { until } from '../background.ts';

/** Control groups, of either version: what a process may have of the machine. */

export type Controller = 'memory' | 'pids';

export interface Group {
  /** The file by which a process joins. */
  readonly procs: string;
  take(pid: number): Promise<void>;
  set(name: string, value: string): Promise<void>;
  /** The most memory that was ever in use, in bytes. */
  most(): Promise<number>;
}

const ROOT = '/sys/fs/cgroup';

const isFirst = (controller: Controller): boolean => existsSync(join(ROOT, controller, 'cgroup.procs'));

const rootOf = (controller: Controller): string => (isFirst(controller) ? join(ROOT, controller) : ROOT);

/** Below the folder of the lab's other groups: `lab down` removes them all. From the outermost on. */
function foldersOf(controller: Controller, lab: string): readonly [string, string, string] {
  const all = join(rootOf(controller), 'tsflannel-lab');
  return [all, join(all, lab), join(all, lab, 'chaos')];
}

/** The file of the limit. */
export const limitOf = (controller: Controller): string =>
  controller === 'pids' ? 'pids.max' : isFirst('memory') ? 'memory.limit_in_bytes' : 'memory.max';

/** Makes the lab's group with these settings. Throws LAB_STUCK where the machine lets nobody make any. */
export async function makeGroup(
  controller: Controller,
  lab: string,
  settings: Readonly<Record<string, string>>,
): Promise<Group> {
  const [all, own, path] = foldersOf(controller, lab);
  const set = (name: string, value: string) => writeFile(join(path, name), value);
  try {
    await mkdir(path, { recursive: true });
    if (!isFirst(controller))
      for (const parent of [ROOT, all, own]) await writeFile(join(parent, 'cgroup.subtree_control'), `+${controller}`);
    for (const [name, value] of Object.entries(settings)) await set(name, value);
  } catch (error) {
    throw new TsflannelError('LAB_STUCK', { detail: `no control group for ${controller} here: ${error}` }, error);
  }
  const procs = join(path, 'cgroup.procs');
  const peak = join(path, isFirst('memory') ? 'memory.max_usage_in_bytes' : 'memory.peak');
  return {
    ...{ procs, set },
    take: (pid) => writeFile(procs, String(pid)),
    most: async () => Number(await readFile(peak, 'utf8')),
  };
}

/** Takes it away once the kernel has ended the processes in it. */
export async function removeGroup(controller: Controller, lab: string): Promise<void> {
  const [all, own, path] = foldersOf(controller, lab);
  const gone = async () => {
    if (existsSync(path)) await rmdir(path);
    return true;
  };
  await until(`${path} is not empty`, gone, { timeoutMs: 10_000 });
  // Others may have groups there.
  for (const parent of [own, all]) await rmdir(parent).catch(() => undefined);
}
