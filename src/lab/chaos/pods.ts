import type { Ip } from '../../model/address.ts';
import { ipAt, parsePrefix, printIp } from '../../model/address.ts';
import type { Lab, LabNode } from '../lab.ts';
import { mustRun } from '../node.ts';
import { subnetOf } from '../status.ts';

/** A container on a node: a namespace of its own on a bridge that has the node's subnet, as Docker would make it. */
export interface Pod {
  /** The node's number, from 1. */
  readonly id: number;
  readonly node: LabNode;
  readonly namespace: string;
  /** Its subnet, and its address in it. */
  readonly subnet: string;
  readonly ip: string;
}

const BRIDGE = 'pods';
const MTU = 1400;

const kernel = () => import('../../host/namespaces.ts');

interface Place {
  readonly subnet: string;
  readonly length: number;
  readonly bridge: Ip;
  readonly pod: Ip;
}

async function placeOf(node: LabNode): Promise<Place> {
  const subnet = await subnetOf(node);
  const prefix = parsePrefix(subnet ?? '');
  if (!subnet || !prefix) throw new Error(`${node.name} has no subnet`);
  return { subnet, length: prefix.length, bridge: ipAt(prefix, 1n), pod: ipAt(prefix, 2n) };
}

/** Names the lab's own `down` finds. */
const podNamespace = (node: LabNode): string => `${node.namespace}-pod`;

/** Makes the pod of a node that has a subnet. */
export async function makePod(node: LabNode, id: number): Promise<Pod> {
  const { addDefaultRoute, addNamespace, createBridge, createVeth } = await kernel();
  const { subnet, length, bridge, pod } = await placeOf(node);
  const namespace = podNamespace(node);
  await addNamespace(namespace);
  await createBridge(BRIDGE, { ip: bridge, length }, node.namespace);
  const ends = { name: 'pod', bridge: BRIDGE, namespace: node.namespace, peer: 'eth0', peerNamespace: namespace };
  await createVeth({ ...ends, ip: { ip: pod, length }, mtu: MTU });
  await addDefaultRoute(bridge, namespace);
  return { id, node, namespace, subnet, ip: printIp(pod) };
}

/** The node has another subnet now: its bridge and its pod move there, as `docker apply` would do it. */
export async function movePod(lab: Lab, before: Pod): Promise<Pod> {
  const { node, namespace, id } = before;
  const { subnet, length, bridge, pod } = await placeOf(node);
  await mustRun(lab, node, ['ip', 'addr', 'flush', 'dev', BRIDGE]);
  await mustRun(lab, node, ['ip', 'addr', 'add', `${printIp(bridge)}/${length}`, 'dev', BRIDGE]);
  const inPod = (...argv: string[]) => mustRun(lab, node, ['ip', '-n', namespace, ...argv]);
  await inPod('addr', 'flush', 'dev', 'eth0');
  await inPod('addr', 'add', `${printIp(pod)}/${length}`, 'dev', 'eth0');
  await inPod('route', 'replace', 'default', 'via', printIp(bridge));
  return { id, node, namespace, subnet, ip: printIp(pod) };
}

/** Whether the node's subnet is another than its pod's; a subnet.env that is away says nothing. */
export async function isMoved({ node, subnet }: Pod): Promise<boolean> {
  const now = await subnetOf(node);
  return now !== undefined && now !== subnet;
}
