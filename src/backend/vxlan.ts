import { type KernelObject, OWN } from '../kernel/state.ts';
import { baseOf, type Prefix, printPrefix } from '../model/address.ts';
import type { BackendConfig } from '../model/backend-config.ts';
import { backendName, type Lease } from '../model/lease.ts';
import { type Mac, macFromSeed } from '../model/mac.ts';
import type { Backend, Context, Host, PeerDesire } from './backend.ts';
import { direct, isOnLink } from './direct.ts';
import { seedOf } from './seed.ts';
import { directSource, guard, tunnelSource } from './source-check.ts';

/**
 * flannel's vxlan without learning and without broadcast: one device `flannel.<vni>`, and for each peer a route to its subnet over
 * the subnet's own base address, a permanent neighbour entry that names the peer's VTEP MAC, and an FDB entry that names the node
 * behind that MAC. No packet ever asks the network a question.
 */
type Config = Extract<BackendConfig, { type: 'vxlan' }>;

/** Outer IPv4 20 + UDP 8 + VXLAN 8 + inner Ethernet 14. */
const OVERHEAD = 50;

const deviceName = (config: Config): string => `flannel.${config.vni}`;

/**
 * Derived from the node id, so that a device made anew has the MAC the peers know (flannel's is random: its issues 1036, 1788); an
 * adopted device keeps the one it had.
 */
const vtepMac = ({ nodeId, vtep }: Pick<Host, 'nodeId' | 'vtep'>, config: Config): Mac =>
  vtep?.device === deviceName(config) ? vtep.mac : macFromSeed(seedOf(`${nodeId}/vxlan/${config.vni}`));

const mtu = (host: Pick<Host, 'iface'>, config: Config): number => (config.mtu || host.iface.mtu) - OVERHEAD;

const device = (host: Host, network: Prefix, config: Config): KernelObject => ({
  kind: 'link',
  name: deviceName(config),
  alias: `${OWN.aliasPrefix}${printPrefix(network)}`,
  mtu: mtu(host, config),
  up: true,
  mac: vtepMac(host, config),
  link: {
    type: 'vxlan',
    vni: config.vni,
    port: config.port,
    local: host.iface.ip,
    device: host.iface.name,
    learning: config.learning,
    gbp: config.gbp,
  },
});

const base = (context: Context<Config>): readonly KernelObject[] => {
  const {
    self,
    host,
    network: { network },
    config,
  } = context;
  const { port, vni, sourceCheck } = config;
  return [
    ...guard(context, sourceCheck, { device: deviceName(config), port, vni }),
    device(host, network, config),
    { kind: 'address', device: deviceName(config), ip: baseOf(self.subnet), length: 32 },
  ];
};

/** Without the tunnel. With the check on `subnet` its tunnelled packets are good too: it may see the segment otherwise. */
function directPeer(lease: Lease, mac: Mac, context: Context<Config>): PeerDesire {
  const { objects, reach } = direct(lease, context.host);
  const { sourceCheck } = context.config;
  const source =
    sourceCheck === 'subnet'
      ? tunnelSource(context, sourceCheck, lease, mac)
      : directSource(context, sourceCheck, lease);
  return { objects: [...source, ...objects], reach };
}

function peer(lease: Lease, context: Context<Config>): PeerDesire {
  const { host, config } = context;
  if (lease.peer.type !== 'vxlan')
    return { objects: [], reach: { problem: `it speaks ${backendName(lease.peer)}, not vxlan` } };
  if (lease.peer.vni !== undefined && lease.peer.vni !== config.vni) {
    return { objects: [], reach: { problem: `its VNI is ${lease.peer.vni}, not ${config.vni}` } };
  }
  const { mac } = lease.peer;
  if (config.directRouting && isOnLink(host, lease.publicIp)) return directPeer(lease, mac, context);
  const device = deviceName(config);
  const gateway = baseOf(lease.subnet);
  return {
    objects: [
      ...tunnelSource(context, config.sourceCheck, lease, mac),
      { kind: 'neighbour', device, ip: gateway, mac },
      { kind: 'fdb', device, mac, dst: lease.publicIp },
      { kind: 'route', dst: lease.subnet, via: gateway, device, onlink: true, metric: 0, protocol: OWN.routeProtocol },
    ],
    reach: { device, nextHop: lease.publicIp },
  };
}

export const vxlan: Backend<Config> = {
  type: 'vxlan',
  announce: (host, config) => ({ type: 'vxlan', vni: config.vni, mac: vtepMac(host, config) }),
  device: deviceName,
  mtu,
  base,
  peer,
};
