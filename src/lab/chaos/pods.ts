import type { Ip } from '../../model/address.ts';
import { ipAt, prefixOf, printIp, printPrefix } from '../../model/address.ts';
import type { Lab, LabNode } from '../lab.ts';
import { mustRun } from '../node.ts';
import { envOf, subnetOf } from '../status.ts';

/** A container on a node: a namespace of its own on a bridge that has the node's subnet, as Docker would make it. */
export interface Pod {
  /** The node's number, from 1; of a second pod {@link SECOND} more. */
  readonly id: number;
  readonly node: LabNode;
  readonly namespace: string;
  /** Its subnet, and its address in it. */
  readonly subnet: string;
  readonly ip: string;
}

const SECOND = 100;

/** Number of the node a pod is on. */
export const nodeOfPod = (id: number): number => id % SECOND;

export const BRIDGE = 'pods';
/** Fits with every backend: some faults switch it. */
const MTU = 1400;

/** A pod on docker0: Docker gives its own containers addresses from the other end of the subnet. */
interface DockersPlace {
  /** Of the end on the bridge, and of the namespace after the node's. */
  readonly name: 'pod' | 'beside';
  readonly second: boolean;
  readonly host: bigint;
}

const FIRST_HOST = 250n;

const DOCKERS: readonly DockersPlace[] = [
  { name: 'pod', second: false, host: FIRST_HOST },
  { name: 'beside', second: true, host: 251n },
];

const kernel = () => import('../../host/namespaces.ts');

interface Place {
  readonly subnet: string;
  readonly length: number;
  readonly bridge: Ip;
  readonly pod: Ip;
  /** Bytes. */
  readonly mtu: number;
}

async function placeOf(node: LabNode, host = 2n): Promise<Place> {
  const env = await envOf(node);
  if (!env) throw new Error(`${node.name} has no subnet`);
  const { subnet, mtu } = env;
  const { length } = subnet;
  const prefix = prefixOf(subnet.ip, length);
  return { subnet: printPrefix(prefix), length, bridge: ipAt(prefix, 1n), pod: ipAt(prefix, host), mtu };
}

/** A wire from the node's bridge into a namespace of a name that the lab's own `down` finds. */
async function plugIn(node: LabNode, name: string, onto: string, place: Place): Promise<string> {
  const { length, bridge, pod, mtu } = place;
  const { addDefaultRoute, addNamespace, createVeth } = await kernel();
  const namespace = `${node.namespace}-${name}`;
  await addNamespace(namespace);
  const ends = { name, bridge: onto, namespace: node.namespace, peer: 'eth0', peerNamespace: namespace };
  await createVeth({ ...ends, ip: { ip: pod, length }, mtu });
  await addDefaultRoute(bridge, namespace);
  return namespace;
}

/** Makes the pod of a node that has a subnet. */
export async function makePod(node: LabNode, id: number): Promise<Pod> {
  const { createBridge } = await kernel();
  const place = await placeOf(node);
  await createBridge(BRIDGE, { ip: place.bridge, length: place.length }, node.namespace);
  const namespace = await plugIn(node, 'pod', BRIDGE, { ...place, mtu: MTU });
  return { id, node, namespace, subnet: place.subnet, ip: printIp(place.pod) };
}

/** Makes two pods on the docker0 of a node whose dockerd has the node's subnet. */
export async function makeDockersPods(node: LabNode, id: number): Promise<readonly Pod[]> {
  const pods: Pod[] = [];
  for (const { name, second, host } of DOCKERS) {
    const place = await placeOf(node, host);
    const namespace = await plugIn(node, name, 'docker0', place);
    pods.push({ id: second ? id + SECOND : id, node, namespace, subnet: place.subnet, ip: printIp(place.pod) });
  }
  return pods;
}

/** Address of the first of them. */
export const dockersPodIp = async (node: LabNode): Promise<string> => printIp((await placeOf(node, FIRST_HOST)).pod);

/** Plugs them into the docker0 that is there now, as a dockerd does with its containers when it starts them again. */
export async function replugDockersPods(lab: Lab, node: LabNode): Promise<void> {
  for (const { name } of DOCKERS) await mustRun(lab, node, ['ip', 'link', 'set', 'dev', name, 'master', 'docker0']);
}

/** The node has another subnet now: its bridge and its pod move there, as `docker apply` would do it. */
export async function movePod(lab: Lab, before: Pod): Promise<Pod> {
  const { node, namespace, id } = before;
  const { subnet, length, bridge, pod } = await placeOf(node);
  const readdress = async (ip: readonly string[], address: Ip, device: string) => {
    await mustRun(lab, node, [...ip, 'addr', 'flush', 'dev', device]);
    await mustRun(lab, node, [...ip, 'addr', 'add', `${printIp(address)}/${length}`, 'dev', device]);
  };
  const inPod = ['ip', '-n', namespace];
  await Promise.all([readdress(['ip'], bridge, BRIDGE), readdress(inPod, pod, 'eth0')]);
  await mustRun(lab, node, [...inPod, 'route', 'replace', 'default', 'via', printIp(bridge)]);
  return { id, node, namespace, subnet, ip: printIp(pod) };
}

/** Whether the node's subnet is another than its pod's; a subnet.env that is away says nothing. */
export async function isMoved({ node, subnet }: Pod): Promise<boolean> {
  const now = await subnetOf(node);
  return now !== undefined && now !== subnet;
}
