/**
 * A thread's own network namespace, plugged into a bridge of this host as Docker would plug in a container. Nothing here is an object of the
 * diff: the device goes with the thread, however that ends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { containsIp, type Ip, ipAt, lastOf, type Prefix, parseIp4, prefixOf, printIp } from '../../model/address.ts';
import { runTool } from './tool.ts';

/** A bridge of this host, and the network behind it. */
export interface BridgeNet {
  readonly name: string;
  readonly ip: Ip;
  readonly net: Prefix;
  readonly mtu: number;
}

type Json = Readonly<Record<string, unknown>>;

const objects = (value: unknown): Json[] =>
  Array.isArray(value) ? value.filter((one): one is Json => typeof one === 'object' && one !== null) : [];

async function ipJson(...args: string[]): Promise<Json[]> {
  return objects(JSON.parse((await runTool('ip', ['-json', ...args])) || '[]'));
}

function netsOf({ ifname: name, mtu, addr_info }: Json): BridgeNet[] {
  return objects(addr_info).flatMap(({ local, prefixlen }) => {
    const ip = typeof local === 'string' ? parseIp4(local) : undefined;
    if (!ip || typeof prefixlen !== 'number' || typeof name !== 'string' || typeof mtu !== 'number') return [];
    return [{ name, ip, net: prefixOf(ip, prefixlen), mtu }];
  });
}

/** Bridges with an address in the subnet, docker0 first. */
export async function bridgesIn(subnet: Prefix): Promise<readonly BridgeNet[]> {
  const found = (await ipJson('-4', 'address', 'show', 'up', 'type', 'bridge')).flatMap(netsOf);
  const first = ({ name }: BridgeNet): number => (name === 'docker0' ? 0 : 1);
  return found.filter(({ ip }) => containsIp(subnet, ip)).sort((a, b) => first(a) - first(b));
}

/** As many of the last addresses are tried: Docker gives out the first ones first. */
const CANDIDATES = 8n;
/** Whoever has an address answers ARP at once. */
const ANSWER_MS = 300;

/** An address behind the bridge that nobody answers for; `knock` makes the kernel ask. */
export async function freeAddress({ name, ip, net }: BridgeNet, knock: (ip: Ip) => void): Promise<Ip | undefined> {
  const last = lastOf(net) - net.address;
  const offsets = Array.from({ length: Number(CANDIDATES) }, (_, i) => last - 1n - BigInt(i)).filter((at) => at > 0n);
  const candidates = offsets.map((at) => ipAt(net, at)).filter(({ value }) => value !== ip.value);
  candidates.forEach(knock);
  await sleep(ANSWER_MS);
  const known = await ipJson('-4', 'neighbour', 'show', 'dev', name);
  const taken = new Set(known.filter(({ lladdr }) => lladdr !== undefined).map(({ dst }) => dst));
  return candidates.find((one) => !taken.has(printIp(one)));
}

/** Plugs the namespace of a thread of this process into the bridge, as `device`; its default route is the bridge. */
export async function plugIn(bridge: BridgeNet, thread: number, device: string, ip: Ip): Promise<void> {
  const mtu = String(Math.trunc(bridge.mtu));
  const inside = ['peer', 'name', 'eth0', 'mtu', mtu, 'netns', String(Math.trunc(thread))];
  await runTool('ip', ['link', 'add', 'name', device, 'mtu', mtu, 'type', 'veth', ...inside]);
  await runTool('ip', ['link', 'set', 'dev', device, 'addrgenmode', 'none', 'master', bridge.name, 'up']);
  const lines = [
    'link set dev lo up',
    'link set dev eth0 addrgenmode none',
    `address add ${printIp(ip)}/${bridge.net.length} dev eth0`,
    'link set dev eth0 up',
    `route add default via ${printIp(bridge.ip)}`,
  ];
  await runTool('nsenter', [`--net=/proc/${Math.trunc(thread)}/ns/net`, 'ip', '-batch', '-'], `${lines.join('\n')}\n`);
}

/** Takes the device away at once; it may be gone. */
export const unplug = (device: string): Promise<unknown> =>
  runTool('ip', ['link', 'delete', 'dev', device]).catch(() => undefined);
