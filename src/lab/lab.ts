/**
 * lab/ knows clusters on one machine: namespaces as nodes over an underlay, the real etcd, discovery service and dockerd in them, and
 * how all of it is found and removed again. It must not know how tsflannel works inside: on a node it runs the same commands a user
 * would type there. The root namespace is left as it is.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { overlaps, parsePrefix } from '../model/address.ts';

/** What a lab is asked to be. The etcd members are on the first nodes. */
export interface LabSpec {
  readonly name: string;
  readonly size: number;
  readonly backend: 'udp' | 'vxlan' | 'host-gw';
  /** The network that is leased out, as typed; `config set` judges it. */
  readonly network: string;
  /** First and last subnet that are leased, as typed; absent: all of the network. */
  readonly range?: readonly [first: string, last: string];
  readonly etcdMembers: number;
  readonly discovery: boolean;
  readonly docker: boolean;
  /** Nodes (with Docker and the discovery service, where asked for) and nothing of tsflannel yet. */
  readonly bare: boolean;
}

export interface LabNode {
  /** `n1`, `n2`, … */
  readonly name: string;
  readonly namespace: string;
  /** Underlay address, dotted. */
  readonly ip: string;
  /** Everything the node has on disk. */
  readonly dir: string;
  /** It runs an etcd member. */
  readonly member: boolean;
}

/** A lab by its names and addresses. `starting` on disk with nobody at it means that its `lab up` was killed. */
export interface Lab {
  readonly spec: LabSpec;
  readonly dir: string;
  readonly nodes: readonly LabNode[];
  /** Namespace of the bridge and of the discovery service. */
  readonly underlay: string;
  readonly phase: 'starting' | 'up';
  readonly discoveryUrl?: string;
}

/** Folder of all labs; TSFLANNEL_LAB_DIR replaces it. Short, since unix sockets lie below it (their paths end at 107 bytes). */
export const labsDir = (env: NodeJS.ProcessEnv = process.env): string => env.TSFLANNEL_LAB_DIR ?? '/run/tsflannel-lab';

/** The underlay's own prefix: 198.18.0.0/15 is set aside for test networks. The gateway is the bridge. MTU in bytes. */
export const UNDERLAY = { prefix: '198.18.0.0/16', length: 16, gateway: '198.18.255.254', mtu: 1500 } as const;

/** A bridge takes 1,023 ports. */
export const MAX_NODES = 1000;

const usage = (detail: string): TsflannelError => new TsflannelError('USAGE', { detail });

/** Names become parts of paths and of namespaces' names. Rejects with USAGE. */
export function checkName(name: string): void {
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(name))
    throw usage(`--name ${name}: a letter, then at most 19 letters, digits or dashes`);
}

/** Rejects with NOT_ROOT. */
export function needRoot(what: string): void {
  if (process.getuid?.() !== 0) throw new TsflannelError('NOT_ROOT', { detail: what });
}

/** Rejects (USAGE) what no lab can be. */
function checkSpec({ name, size, etcdMembers, network }: LabSpec): void {
  checkName(name);
  if (size < 1 || size > MAX_NODES) throw usage(`--nodes ${size}: 1 to ${MAX_NODES} are possible`);
  if (etcdMembers < 1 || etcdMembers > Math.min(7, size))
    throw usage(`--etcd-members ${etcdMembers}: 1 to 7 are possible, and one a node`);
  const [leased, underlay] = [parsePrefix(network), parsePrefix(UNDERLAY.prefix)];
  if (leased && underlay && overlaps(leased, underlay))
    throw usage(`--network ${network}: overlaps the lab's own underlay ${UNDERLAY.prefix}`);
}

/** The lab a spec describes; nothing is made yet. Rejects with USAGE. */
export function planLab(spec: LabSpec, labs: string): Lab {
  checkSpec(spec);
  const dir = join(labs, spec.name);
  const nodes = Array.from({ length: spec.size }, (_, index) => planNode(spec, dir, index + 1));
  return { spec, dir, nodes, underlay: `${spec.name}-underlay`, phase: 'starting' };
}

function planNode(spec: LabSpec, dir: string, number: number): LabNode {
  const name = `n${number}`;
  const ip = `198.18.${number >> 8}.${number & 255}`;
  return { name, namespace: `${spec.name}-${name}`, ip, dir: join(dir, name), member: number <= spec.etcdMembers };
}

const stateFile = (dir: string): string => join(dir, 'lab.json');

/** Writes the lab down, so that later commands find it. */
export const saveLab = (lab: Lab): Promise<void> =>
  writeFileAtomic(stateFile(lab.dir), `${JSON.stringify(lab, null, 2)}\n`, 0o600);

/** Takes the name: of two that start one lab at once, one is refused (LAB_EXISTS). */
export async function claimLab(lab: Lab): Promise<void> {
  for (let made = false; !made; ) {
    await mkdir(join(lab.dir, '..'), { recursive: true });
    made = await mkdir(lab.dir).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        // The last lab but this may have taken the folder of all labs away just now.
        if (error.code === 'ENOENT') return false;
        throw error.code === 'EEXIST' ? new TsflannelError('LAB_EXISTS', { name: lab.spec.name }) : error;
      },
    );
  }
  await saveLab(lab);
}

/** The lab of this name. Rejects with LAB_MISSING when there is none. */
export async function readLab(name: string, labs: string): Promise<Lab> {
  checkName(name);
  const dir = join(labs, name);
  const text = await readIfThere(stateFile(dir));
  if (text === undefined) throw new TsflannelError('LAB_MISSING', { name, dir });
  return JSON.parse(text) as Lab;
}

/** Node of this name. Rejects with LAB_NODE_MISSING. */
export function nodeOf(lab: Lab, name: string): LabNode {
  const node = lab.nodes.find((each) => each.name === name || each.namespace === name);
  if (node) return node;
  const known = `there are ${lab.nodes[0]?.name} to ${lab.nodes.at(-1)?.name}`;
  throw new TsflannelError('LAB_NODE_MISSING', { node: name, name: lab.spec.name, detail: known });
}

/** Names of all labs on this machine. */
export const listLabs = async (labs: string): Promise<readonly string[]> =>
  (await readdir(labs).catch(() => [] as string[])).sort();
