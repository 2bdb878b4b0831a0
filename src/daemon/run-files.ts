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

/** The node's memory, with the folders it needs made and noted, so that `down` can remove just those. */
export async function openNode(options: NodeOptions): Promise<NodeState> {
  const made = await makeFolders([options.stateDir, options.runDir, dirname(options.subnetFile)]);
  await writePid(options.runDir);
  const node = await readNodeState(options.stateDir);
  const created = [...new Set([...node.created, ...made])];
  const next = { ...node, created, subnetFile: options.subnetFile };
  await writeNodeState(options.stateDir, next);
  return next;
}
