import { dirname } from 'node:path';
import { askIfRunning } from '../control/client.ts';
import { TsflannelError } from '../errors.ts';
import { makeFolders } from '../files/folders.ts';
import { type NodeState, readNodeState, writeNodeState } from '../files/node-state.ts';
import { writePid } from '../files/run-dir.ts';
import type { NodeOptions } from './options.ts';

/** Makes the run folder ours. Throws ALREADY_RUNNING when a daemon answers there. */
export async function takeRunDir(runDir: string): Promise<void> {
  const running = await askIfRunning(runDir, 'status');
  if (running) throw new TsflannelError('ALREADY_RUNNING', { pid: running.pid });
}

/** Makes the folders a node needs and notes which were not there, so that `down` removes just those. */
export async function prepareFolders(at: Pick<NodeOptions, 'stateDir' | 'runDir' | 'subnetFile'>): Promise<NodeState> {
  const made = await makeFolders([at.stateDir, at.runDir, dirname(at.subnetFile)]);
  const node = await readNodeState(at.stateDir);
  const created = [...new Set([...node.created, ...made])];
  const next = { ...node, created, subnetFile: at.subnetFile };
  await writeNodeState(at.stateDir, next);
  return next;
}

/** The node's memory, and its pid file. */
export async function openNode(options: NodeOptions): Promise<NodeState> {
  const node = await prepareFolders(options);
  await writePid(options.runDir);
  return node;
}
