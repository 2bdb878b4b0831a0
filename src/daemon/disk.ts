import { dirname } from 'node:path';
import { makeFolders } from '../files/folders.ts';
import { type NodeState, readNodeState, writeNodeState } from '../files/node-state.ts';
import { readView, type SavedView, writeView } from '../files/view-file.ts';
import type { Parsed } from '../model/parsed.ts';
import type { NodeOptions } from './options.ts';

/** What a node keeps from one life to the next: files in earnest, the simulator's own in a simulation. */
export interface Disk {
  /** Its state, or that of a new node; what it needs to be kept is made. */
  open(): Promise<NodeState>;
  keep(state: NodeState): Promise<void>;
  /** etcd as this node saw it last. */
  readView(): Promise<Parsed<SavedView> | undefined>;
  keepView(view: SavedView): Promise<void>;
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

/** The files in the state folder. */
export const diskOf = (options: NodeOptions): Disk => ({
  open: () => prepareFolders(options),
  keep: (state) => writeNodeState(options.stateDir, state),
  readView: () => readView(options.stateDir),
  keepView: (view) => writeView(options.stateDir, view),
});
