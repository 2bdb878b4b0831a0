/**
 * Network namespaces, bridges and veth pairs for the lab: clusters on one machine. Nothing here is an object of the diff, and no
 * daemon calls it. Everything is rendered from checked names and numbers; `namespace` absent means the one we run in.
 */
import { readdir } from 'node:fs/promises';
import { TsflannelError } from '../../errors.ts';
import { isMissing } from '../../files/atomic.ts';
import { type Ip, printIp } from '../../model/address.ts';
import { type Mac, printMac } from '../../model/mac.ts';
import { runTool } from './tool.ts';

/** Where `ip netns` keeps its names. */
const FOLDER = '/run/netns';

/** An address with the length of its subnet. */
export interface Cidr {
  readonly ip: Ip;
  readonly length: number;
}

/** A cable: `name` is plugged into `bridge`, `peer` is the device in the other namespace. */
export interface Veth {
  readonly name: string;
  readonly bridge: string;
  /** Where the bridge is. */
  readonly namespace?: string;
  readonly peer: string;
  readonly peerNamespace: string;
  readonly ip: Cidr;
  readonly mtu: number;
  /** Of the peer. */
  readonly mac?: Mac;
}

function checked(name: string, longest: number): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name) || name.length > longest) {
    throw new TsflannelError('USAGE', {
      detail: `${JSON.stringify(name)} is not a name of at most ${longest} letters, digits, - _ .`,
    });
  }
  return name;
}
const device = (name: string): string => checked(name, 15);
const space = (name: string): string => checked(name, 64);
const cidrText = (cidr: Cidr): string => `${printIp(cidr.ip)}/${cidr.length}`;

/** One `ip` process for all lines. */
async function batch(namespace: string | undefined, lines: readonly string[]): Promise<void> {
  const where = namespace === undefined ? [] : ['-n', space(namespace)];
  await runTool('ip', [...where, '-batch', '-'], `${lines.join('\n')}\n`);
}

/** No link-local IPv6 address and its chatter on the lab's devices. */
const quiet = (name: string): string => `link set dev ${device(name)} addrgenmode none`;

/** Makes the namespace with its loopback up. */
export async function addNamespace(name: string): Promise<void> {
  await batch(undefined, [`netns add ${space(name)}`]);
  await batch(name, ['link set dev lo up']);
}

/** Takes the name away; the namespace goes with its last process. Fine if there is none. */
export async function deleteNamespace(name: string): Promise<void> {
  if ((await listNamespaces()).includes(name)) await batch(undefined, [`netns delete ${space(name)}`]);
}

/** Names of all namespaces, sorted. */
export async function listNamespaces(): Promise<readonly string[]> {
  try {
    return (await readdir(FOLDER)).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Makes a bridge that is up, with an address if one is given. */
export async function createBridge(name: string, cidr?: Cidr, namespace?: string): Promise<void> {
  await batch(namespace, [
    `link add name ${device(name)} type bridge`,
    quiet(name),
    ...(cidr ? [`address add ${cidrText(cidr)} dev ${name}`] : []),
    `link set dev ${name} up`,
  ]);
}

/** Makes the pair, plugs one end into the bridge and gives the other its address; both ends are up. */
export async function createVeth(veth: Veth): Promise<void> {
  const name = device(veth.name);
  const peer = device(veth.peer);
  const mac = veth.mac ? `address ${printMac(veth.mac)} ` : '';
  const mtu = Math.trunc(veth.mtu);
  await batch(veth.namespace, [
    `link add name ${name} mtu ${mtu} type veth peer name ${peer} mtu ${mtu} ${mac}netns ${space(veth.peerNamespace)}`,
    quiet(name),
    `link set dev ${name} master ${device(veth.bridge)}`,
    `link set dev ${name} up`,
  ]);
  await batch(veth.peerNamespace, [
    quiet(peer),
    `address add ${cidrText(veth.ip)} dev ${peer}`,
    `link set dev ${peer} up`,
  ]);
}

/** Gives the namespace a default route. */
export const addDefaultRoute = (via: Ip, namespace: string): Promise<void> =>
  batch(namespace, [`route add default via ${printIp(via)}`]);

/** Deletes the device (of a pair: both ends). */
export const deleteLink = (name: string, namespace?: string): Promise<void> =>
  batch(namespace, [`link delete dev ${device(name)}`]);

/** Program and arguments to put before a command that is to run in the namespace. Unlike `ip netns exec` it leaves /sys as it is. */
export const nsenterArgs = (name: string): readonly string[] => ['nsenter', `--net=${FOLDER}/${space(name)}`];
