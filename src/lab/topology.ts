import { statSync } from 'node:fs';
import { parseIp4 } from '../model/address.ts';
import { type Lab, type LabNode, UNDERLAY } from './lab.ts';

/** The wires of a lab: one namespace with a bridge, and one a node, each tied to the bridge by a veth pair. */

const kernel = () => import('../host/namespaces.ts');

function ipOf(text: string) {
  const ip = parseIp4(text);
  if (!ip) throw new Error(`${text} is not an address`);
  return ip;
}

const cidr = (text: string) => ({ ip: ipOf(text), length: UNDERLAY.length });

/** Makes all namespaces and wires. */
export async function wire(lab: Lab): Promise<void> {
  const { addNamespace, createBridge } = await kernel();
  await addNamespace(lab.underlay);
  await createBridge('underlay', cidr(UNDERLAY.gateway), lab.underlay);
  for (const node of lab.nodes) await plugIn(lab, node);
}

async function plugIn(lab: Lab, node: LabNode): Promise<void> {
  const { addNamespace, createVeth, addDefaultRoute } = await kernel();
  await addNamespace(node.namespace);
  await createVeth({
    name: node.name,
    bridge: 'underlay',
    namespace: lab.underlay,
    peer: 'eth0',
    peerNamespace: node.namespace,
    ip: cidr(node.ip),
    mtu: UNDERLAY.mtu,
  });
  await addDefaultRoute(ipOf(UNDERLAY.gateway), node.namespace);
}

/** The namespaces that are there now and can only be this lab's, whatever its state file says. */
export async function namespacesOf(name: string): Promise<readonly string[]> {
  const { listNamespaces } = await kernel();
  const own = new RegExp(`^${name}-(underlay|n[0-9]+(-pod|-beside)?)$`);
  return (await listNamespaces()).filter((entry) => own.test(entry));
}

/** Inode of the network namespace, by which /proc/PID/ns/net is told. */
export const inodeOf = (namespace: string): number | undefined =>
  statSync(`/run/netns/${namespace}`, { throwIfNoEntry: false })?.ino;

/** Removes the names; the namespaces end with the last process and socket in them. */
export async function unwire(namespaces: readonly string[]): Promise<void> {
  const { deleteNamespace } = await kernel();
  for (const namespace of namespaces) await deleteNamespace(namespace);
}
