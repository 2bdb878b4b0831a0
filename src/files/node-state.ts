import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Prefix, parsePrefix, printPrefix } from '../model/address.ts';
import { NODE_ID } from '../model/lease.ts';
import { type Mac, parseMac, printMac } from '../model/mac.ts';
import { field, parseJsonObject } from '../model/parsed.ts';
import { readIfThere, writeFileAtomic } from './atomic.ts';

/** What a node remembers on disk (`<state-dir>/node.json`, 0600): who it is, and what it has to put back at `down`. */
export interface NodeState {
  readonly nodeId: string;
  /** The subnet it last held. */
  readonly subnet?: Prefix;
  /** net.ipv4.ip_forward as it was before the first `up`. */
  readonly ipForwardBefore?: '0' | '1';
  /** Folders and files `up` made, to be removed at `down`. */
  readonly created: readonly string[];
  readonly subnetFile?: string;
  /** A device that was taken over, and the MAC by which the peers know it. */
  readonly vtep?: { readonly device: string; readonly mac: Mac };
}

const nodeStatePath = (stateDir: string): string => join(stateDir, 'node.json');

const newNodeId = (): string => randomBytes(16).toString('hex');

const absolute = (value: unknown): value is string =>
  typeof value === 'string' && value.startsWith('/') && !value.includes('\0') && value.length < 4096;

function parseVtep(json: unknown): NodeState['vtep'] {
  if (typeof json !== 'object' || json === null) return undefined;
  const { device, mac } = json as Readonly<Record<string, unknown>>;
  const parsed = typeof mac === 'string' ? parseMac(mac) : undefined;
  return parsed && typeof device === 'string' && /^flannel\.\d{1,8}$/.test(device)
    ? { device, mac: parsed }
    : undefined;
}

function parse(text: string): NodeState | undefined {
  const json = parseJsonObject(text, 'node.json');
  if (!json.ok) return undefined;
  const nodeId = field(json.value, 'nodeId');
  if (typeof nodeId !== 'string' || !NODE_ID.test(nodeId)) return undefined;
  const subnetText = field(json.value, 'subnet');
  const subnet = typeof subnetText === 'string' ? parsePrefix(subnetText) : undefined;
  const before = field(json.value, 'ipForwardBefore');
  const created = field(json.value, 'created');
  const subnetFile = field(json.value, 'subnetFile');
  const vtep = parseVtep(field(json.value, 'vtep'));
  return {
    nodeId,
    created: Array.isArray(created) ? created.filter(absolute) : [],
    ...(subnet && { subnet }),
    ...((before === '0' || before === '1') && { ipForwardBefore: before }),
    ...(absolute(subnetFile) && { subnetFile }),
    ...(vtep && { vtep }),
  };
}

/** The node's state; a new identity where there is none, or where the file is damaged. Nothing is written. */
export async function readNodeState(stateDir: string): Promise<NodeState> {
  const text = await readIfThere(nodeStatePath(stateDir));
  return (text === undefined ? undefined : parse(text)) ?? { nodeId: newNodeId(), created: [] };
}

/** The same host as a new node: another id, and no subnet of its own yet. */
export function newIdentity({ created, ipForwardBefore, subnetFile }: NodeState): NodeState {
  return {
    nodeId: newNodeId(),
    created,
    ...(ipForwardBefore && { ipForwardBefore }),
    ...(subnetFile !== undefined && { subnetFile }),
  };
}

/** Writes the whole state, atomically, 0600. */
export async function writeNodeState(stateDir: string, state: NodeState): Promise<void> {
  const { subnet, vtep } = state;
  const json = {
    ...state,
    ...(subnet && { subnet: printPrefix(subnet) }),
    ...(vtep && { vtep: { device: vtep.device, mac: printMac(vtep.mac) } }),
  };
  await writeFileAtomic(nodeStatePath(stateDir), `${JSON.stringify(json, null, 2)}\n`, 0o600);
}

/** Whether this host has been a node. */
export const isKnownNode = async (stateDir: string): Promise<boolean> =>
  (await readIfThere(nodeStatePath(stateDir))) !== undefined;

/** Forgets who this node is. */
export const forgetNode = (stateDir: string): Promise<void> => rm(nodeStatePath(stateDir), { force: true });
