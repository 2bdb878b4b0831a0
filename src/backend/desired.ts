import type { Want } from '../kernel/diff.ts';
import type { Carrier, Forward } from '../kernel/state.ts';
import { printIp, printPrefix, sameIp } from '../model/address.ts';
import type { BackendConfig } from '../model/backend-config.ts';
import type { Lease, PeerData } from '../model/lease.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import type { Backend, Host, Reach, Scene } from './backend.ts';

export type { Scene };

import { hostGw } from './host-gw.ts';
import { sharedObjects } from './shared.ts';
import { carrierOf, forwardTo, udp } from './udp.ts';
import { vxlan } from './vxlan.ts';

const BACKENDS: { readonly [T in BackendConfig['type']]: Backend<Extract<BackendConfig, { type: T }>> } = {
  udp,
  vxlan,
  'host-gw': hostGw,
};

/** The table's row for this config; the cast is sound because both are indexed by the same tag. */
const backendOf = (config: BackendConfig): Backend => BACKENDS[config.type] as unknown as Backend;

/** What our lease publishes for the peers. */
export const announce = (host: Pick<Host, 'nodeId' | 'vtep'>, network: NetworkConfig): PeerData =>
  backendOf(network.backend).announce(host, network.backend);

/** The device that a node of this network makes; undefined where there is none. */
export const deviceOf = (network: NetworkConfig): string | undefined =>
  backendOf(network.backend).device(network.backend);

/** MTU for containers in bytes. */
export const mtuOf = (host: Pick<Host, 'iface'>, network: NetworkConfig): number =>
  backendOf(network.backend).mtu(host, network.backend);

/** Everything that does not depend on a peer. */
export function baseWants(scene: Scene): readonly Want[] {
  const { self, host, network } = scene;
  const because = `this node leases ${printPrefix(self.subnet)} and the backend is ${network.backend.type}`;
  const own = backendOf(network.backend).base({ ...scene, config: network.backend });
  const shared = sharedObjects(scene, mtuOf(host, network));
  return [...own, ...shared].map((object) => ({ object, because }));
}

/** Why a lease is nobody to send to, whatever the backend: a route by way of ourselves would be refused by the kernel, or loop. */
function problemOf(
  { host }: { readonly host: Pick<Host, 'nodeId' | 'publicIp' | 'iface'> },
  { nodeId, publicIp }: Lease,
): string | undefined {
  if (nodeId === host.nodeId) return 'it is another lease of this node';
  const isOurs = sameIp(publicIp, host.publicIp) || sameIp(publicIp, host.iface.ip);
  return isOurs ? `${printIp(publicIp)} is this node's own address` : undefined;
}

/** What one peer asks for, and how it is reached then. */
export function peerWants(scene: Scene, lease: Lease): { wants: readonly Want[]; reach: Reach } {
  const { backend } = scene.network;
  const problem = problemOf(scene, lease);
  if (problem !== undefined) return { wants: [], reach: { problem } };
  const { objects, reach } = backendOf(backend).peer(lease, { ...scene, config: backend });
  const who = lease.nodeName ?? printIp(lease.publicIp);
  const because = [who, `(${printIp(lease.publicIp)})`, 'leases', printPrefix(lease.subnet)].join(' ');
  return { wants: objects.map((object) => ({ object, because })), reach };
}

/** What is known of a node before its kernel's filters are looked at. */
export type EarlyScene = Omit<Scene, 'host'> & {
  readonly host: Pick<Host, 'nodeId' | 'publicIp' | 'iface' | 'udpCarrier'>;
};

/** The carrier that `baseWants` and `peerWants` ask for, with its table; undefined where the kernel itself carries. */
export function carrierFor(
  scene: EarlyScene,
  peers: Iterable<Lease>,
): { readonly carrier: Carrier; readonly forwards: readonly Forward[] } | undefined {
  const { backend } = scene.network;
  if (backend.type !== 'udp') return undefined;
  const forwards = [...peers].flatMap((lease) =>
    problemOf(scene, lease) === undefined ? (forwardTo(lease, backend) ?? []) : [],
  );
  return { carrier: carrierOf({ ...scene, config: backend }), forwards };
}
