import { dockerApi } from '../docker/api.ts';
import { readIfThere } from '../files/atomic.ts';
import { prefixOf, printPrefix } from '../model/address.ts';
import { parseSubnetEnv, type SubnetEnv } from '../model/subnet-env.ts';
import { someAtOnce } from './background.ts';
import { dockerdPaths } from './dockerd.ts';
import type { Lab, LabNode } from './lab.ts';
import { dockerDirOf, runOn, subnetFileOf } from './node.ts';
import { namespacesOf } from './topology.ts';

/** How a part of a node is; `none` where the lab gives it no such part. */
export type PartState = 'ok' | 'degraded' | 'down' | 'none';

export interface NodeStatus {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  /** Of subnet.env; absent before the node has one. */
  readonly subnet?: string;
  readonly etcd: PartState;
  readonly daemon: PartState;
  readonly docker: PartState;
}

const NO_PART: PartState = 'none';

/** The exit statuses of `status` and `etcd status`. */
const stateOf = (exit: number): PartState => (exit === 0 ? 'ok' : exit === 8 ? 'degraded' : 'down');

/** What the node's subnet.env says; undefined when there is none. */
export async function envOf(node: LabNode): Promise<SubnetEnv | undefined> {
  const file = subnetFileOf(node);
  const parsed = parseSubnetEnv((await readIfThere(file)) ?? '', file);
  return parsed.ok ? parsed.value : undefined;
}

/** The node's subnet as its subnet.env says; undefined when there is none. */
export async function subnetOf(node: LabNode): Promise<string | undefined> {
  const env = await envOf(node);
  return env && printPrefix(prefixOf(env.subnet.ip, env.subnet.length));
}

async function statusOf(lab: Lab, node: LabNode): Promise<NodeStatus> {
  const ask = async (...argv: string[]) => stateOf((await runOn(lab, node, ['tsflannel', ...argv], 20_000)).exit);
  const ping = async (): Promise<PartState> =>
    (await dockerApi(dockerdPaths(dockerDirOf(node)).socket).ping()) ? 'ok' : 'down';
  const [subnet, etcd, daemon, docker] = await Promise.all([
    subnetOf(node),
    node.member ? ask('etcd', 'status') : NO_PART,
    ask('status'),
    lab.spec.docker ? ping() : NO_PART,
  ]);
  const { name, namespace, ip } = node;
  return { name, namespace, ip, ...(subnet === undefined ? {} : { subnet }), etcd, daemon, docker };
}

/** Every node, asked by tsflannel's own commands; a node whose namespace is gone is down in all parts. */
export async function labStatus(lab: Lab): Promise<readonly NodeStatus[]> {
  const there = new Set(await namespacesOf(lab.spec.name));
  return someAtOnce(lab.nodes, async (node) => {
    if (there.has(node.namespace)) return statusOf(lab, node);
    const { name, namespace, ip } = node;
    return { name, namespace, ip, etcd: 'down', daemon: 'down', docker: 'down' } as const;
  });
}
