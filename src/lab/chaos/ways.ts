import type { Lab, LabNode } from '../lab.ts';
import { runOn } from '../node.ts';
import { BRIDGE } from './pods.ts';

/** Where a node leads packets for another node's subnet to. */
export interface Way {
  readonly subnet: string;
  /** Underlay address of the other node. */
  readonly publicIp: string;
}

/** The device of the backend. */
export const DEVICES: Readonly<Record<Lab['spec']['backend'], string>> = {
  vxlan: 'flannel.1',
  udp: 'flannel0',
  'host-gw': 'eth0',
};

/** What `ip -j` and `bridge -j` print, as far as it is read. */
export interface Tables {
  readonly routes: readonly { readonly dst: string; readonly gateway?: string; readonly dev?: string }[];
  readonly neighbours: readonly { readonly dst: string; readonly lladdr?: string }[];
  readonly fdb: readonly { readonly mac: string; readonly dst?: string }[];
}

/** The ways that the kernel's tables make. With vxlan it takes all three: a route, the MAC of its gateway, and where that MAC is. */
export function waysOf({ routes, neighbours, fdb }: Tables, device: string): readonly Way[] {
  return routes.flatMap(({ dst, gateway, dev }) => {
    if (gateway === undefined || dev !== device) return [];
    if (device !== DEVICES.vxlan) return [{ subnet: dst, publicIp: gateway }];
    const mac = neighbours.find((each) => each.dst === gateway)?.lladdr;
    const publicIp = fdb.find((each) => each.mac === mac && each.dst !== undefined)?.dst;
    return publicIp === undefined ? [] : [{ subnet: dst, publicIp }];
  });
}

/** The node's ways as its kernel has them; none with backend udp, whose process alone knows them. */
export async function readWays(lab: Lab, node: LabNode): Promise<readonly Way[]> {
  const device = DEVICES[lab.spec.backend];
  const json = async <T>(...argv: string[]) => {
    const { exit, stdout } = await runOn(lab, node, argv);
    return (exit === 0 && stdout !== '' ? JSON.parse(stdout) : []) as T;
  };
  const [routes, neighbours, fdb] = await Promise.all([
    json<Tables['routes']>('ip', '-j', 'route', 'show', 'root', lab.spec.network),
    json<Tables['neighbours']>('ip', '-j', 'neigh', 'show', 'dev', device, 'nud', 'permanent'),
    json<Tables['fdb']>('bridge', '-j', 'fdb', 'show', 'dev', device),
  ]);
  return waysOf({ routes, neighbours, fdb }, device);
}

/** The routes to other nodes, as `ip` shows them: word by word. All routes of the network are a daemon's but the one of the pods' bridge. */
export async function peerRoutes(lab: Lab, node: LabNode, ...only: readonly string[]): Promise<string[][]> {
  const { stdout } = await runOn(lab, node, ['ip', 'route', 'show', 'root', lab.spec.network, ...only]);
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.includes(` dev ${BRIDGE} `))
    .map((line) => line.trim().split(/\s+/));
}
