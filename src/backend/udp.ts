import { type KernelObject, OWN } from '../kernel/state.ts';
import { baseOf, type Prefix, printPrefix } from '../model/address.ts';
import type { BackendConfig, CarrierType } from '../model/backend-config.ts';
import { backendName, type Lease } from '../model/lease.ts';
import type { Backend, Context, Host, PeerDesire } from './backend.ts';

/**
 * flannel's udp: a TUN device takes what goes into the network, the carrier sends each packet as the payload of one UDP datagram to
 * the node that leases the destination. One route covers the network, so that unleased subnets are answered with ICMP unreachable.
 */
type Config = Extract<BackendConfig, { type: 'udp' }>;

/** Outer IPv4 20 + UDP 8. */
const OVERHEAD = 28;
const DEVICE = 'flannel0';

const mtu = (host: Pick<Host, 'iface'>, config: Config): number => (config.mtu || host.iface.mtu) - OVERHEAD;

const routeTo = (dst: Prefix): KernelObject => ({
  kind: 'route',
  dst,
  device: DEVICE,
  onlink: false,
  metric: 0,
  protocol: OWN.routeProtocol,
});

const carrierType = (host: Host, config: Config): { readonly type?: CarrierType } => {
  const wish = host.udpCarrier ?? config.carrier;
  return wish === 'auto' ? {} : { type: wish };
};

const base = ({ self, host, network: { network }, config }: Context<Config>): readonly KernelObject[] => [
  {
    kind: 'link',
    name: DEVICE,
    alias: `${OWN.aliasPrefix}${printPrefix(network)}`,
    mtu: mtu(host, config),
    up: true,
    link: { type: 'tun' },
  },
  { kind: 'address', device: DEVICE, ip: baseOf(self.subnet), length: 32 },
  {
    kind: 'carrier',
    ...carrierType(host, config),
    device: DEVICE,
    local: host.iface.ip,
    port: config.port,
    mtu: mtu(host, config),
    network,
    subnet: self.subnet,
    sourceCheck: config.sourceCheck,
    directDelivery: config.directDelivery,
  },
  ...(host.wideRouteTaken ? [] : [routeTo(network)]),
];

function peer(lease: Lease, { host, config }: Context<Config>): PeerDesire {
  if (lease.peer.type !== 'udp')
    return { objects: [], reach: { problem: `it speaks ${backendName(lease.peer)}, not udp` } };
  return {
    objects: [
      { kind: 'forward', device: DEVICE, subnet: lease.subnet, nextHop: lease.publicIp, port: config.port },
      ...(host.routePerPeer ? [routeTo(lease.subnet)] : []),
    ],
    reach: { device: DEVICE, nextHop: lease.publicIp },
  };
}

export const udp: Backend<Config> = {
  type: 'udp',
  announce: () => ({ type: 'udp' }),
  device: () => DEVICE,
  mtu,
  base,
  peer,
};
