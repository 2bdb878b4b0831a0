import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { askIfRunning } from '../control/client.ts';
import { TsflannelError } from '../errors.ts';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { makeFolders } from '../files/folders.ts';
import { type NodeState, readNodeState, writeNodeState } from '../files/node-state.ts';
import type { NodeOptions } from './options.ts';

/** Where the pid of the daemon of this run folder is. */
export const pidPath = (runDir: string): string => join(runDir, 'daemon.pid');

/** The pid in the pid file, if that process still lives. */
export async function livingPid(runDir: string): Promise<number | undefined> {
  const text = (await readIfThere(pidPath(runDir)))?.trim() ?? '';
  if (!/^[1-9]\d{0,9}$/.test(text)) return undefined;
  try {
    process.kill(Number(text), 0);
    return Number(text);
  } catch {
    return undefined;
  }
}

/** Makes the run folder ours. Throws ALREADY_RUNNING when a daemon answers there. */
export async function takeRunDir(runDir: string): Promise<void> {
  const running = await askIfRunning(runDir, 'status');
  if (running) throw new TsflannelError('ALREADY_RUNNING', { pid: running.pid });
  await writeFileAtomic(pidPath(runDir), `${process.pid}\n`, 0o644);
}

/** Removes what this process put into the run folder. */
export async function leaveRunDir(runDir: string): Promise<void> {
  for (const name of ['daemon.pid', 'control.sock']) await rm(join(runDir, name), { force: true });
}

/** The node's memory, with the folders it needs made and noted, so that `down` can remove just those. */
export async function openNode(options: NodeOptions): Promise<NodeState> {
  const made = await makeFolders([options.stateDir, options.runDir, dirname(options.subnetFile)]);
  const node = await readNodeState(options.stateDir);
  const created = [...new Set([...node.created, ...made])];
  const next = { ...node, created, subnetFile: options.subnetFile };
  await writeNodeState(options.stateDir, next);
  return next;
}
