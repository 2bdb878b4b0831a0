import { dirname } from 'node:path';
import { readIfThere } from '../files/atomic.ts';
import { makeFolders } from '../files/folders.ts';
import { readGateway } from '../files/gateway-file.ts';
import { type NodeState, readNodeState, writeNodeState } from '../files/node-state.ts';
import { removeUnfinished } from '../files/unfinished.ts';
import { readView, type SavedView, writeView } from '../files/view-file.ts';
import { type Prefix, prefixOf } from '../model/address.ts';
import type { GatewayMode } from '../model/lease.ts';
import type { Parsed } from '../model/parsed.ts';
import { parseSubnetEnv } from '../model/subnet-env.ts';
import type { NodeOptions } from './options.ts';

/** What a node keeps from one life to the next: files in earnest, the simulator's own in a simulation. */
export interface Disk {
  /** Its state, or that of a new node; what it needs to be kept is made. */
  open(): Promise<NodeState>;
  keep(state: NodeState): Promise<void>;
  /** The subnet that subnet.env names: flanneld's, or ours from before the state folder was lost. */
  subnetInEnv(): Promise<readonly Prefix[]>;
  /** etcd as this node saw it last. */
  /** What the administrator wants this node to be for those outside. */
  gateway?(): Promise<GatewayMode | undefined>;
  readView(): Promise<Parsed<SavedView> | undefined>;
  keepView(view: SavedView): Promise<void>;
}

/** Makes the folders a node needs, without what a killed process left in them, and notes which were not there, so that `down` removes just those. */
export async function prepareFolders(at: Pick<NodeOptions, 'stateDir' | 'runDir' | 'subnetFile'>): Promise<NodeState> {
  const folders = [at.stateDir, at.runDir, dirname(at.subnetFile)];
  const made = await makeFolders(folders);
  await removeUnfinished(folders);
  const node = await readNodeState(at.stateDir);
  const created = [...new Set([...node.created, ...made])];
  const next = { ...node, created, subnetFile: at.subnetFile };
  await writeNodeState(at.stateDir, next);
  return next;
}

async function subnetInEnv(path: string): Promise<readonly Prefix[]> {
  const text = await readIfThere(path).catch(() => undefined);
  const env = text === undefined ? undefined : parseSubnetEnv(text, path);
  return env?.ok ? [prefixOf(env.value.subnet.ip, env.value.subnet.length)] : [];
}

/** The files in the state folder, and subnet.env. */
export const diskOf = (options: NodeOptions): Disk => ({
  open: () => prepareFolders(options),
  keep: (state) => writeNodeState(options.stateDir, state),
  subnetInEnv: () => subnetInEnv(options.subnetFile),
  gateway: () => readGateway(options.stateDir),
  readView: () => readView(options.stateDir),
  keepView: (view) => writeView(options.stateDir, view),
});
