import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from './alive.ts';
import { readIfThere, writeFileAtomic } from './atomic.ts';

const pidPath = (runDir: string): string => join(runDir, 'daemon.pid');

/** Where a detached daemon writes its log. */
export const logPath = (runDir: string): string => join(runDir, 'daemon.log');

/** Where the daemon of this run folder listens. */
export const socketPath = (runDir: string): string => join(runDir, 'control.sock');

/** The pid in the pid file, if a process with it lives. */
export async function livingPid(runDir: string): Promise<number | undefined> {
  const text = (await readIfThere(pidPath(runDir)))?.trim() ?? '';
  if (!/^[1-9]\d{0,9}$/.test(text)) return undefined;
  return isAlive(Number(text)) ? Number(text) : undefined;
}

/** Writes this process' pid. */
export const writePid = (runDir: string): Promise<void> => writeFileAtomic(pidPath(runDir), `${process.pid}\n`, 0o644);

/** Removes what a daemon put into the run folder; `log`: its log too. */
export async function clearRunDir(runDir: string, { log }: { readonly log: boolean }): Promise<void> {
  const paths = [pidPath(runDir), socketPath(runDir), ...(log ? [logPath(runDir)] : [])];
  for (const path of paths) await rm(path, { force: true });
}

/** Removes a socket file that a dead daemon left. */
export const removeSocket = (path: string): Promise<void> => rm(path, { force: true });
