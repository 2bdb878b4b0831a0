import { type Carrier, type Forward, type KernelObject, OWN } from '../kernel/state.ts';
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
export const DEVICE = 'flannel0';

const mtu = (host: Pick<Host, 'iface'>, config: Config): number => (config.mtu || host.iface.mtu) - OVERHEAD;

const routeTo = (dst: Prefix): KernelObject => ({
  kind: 'route',
  dst,
  device: DEVICE,
  onlink: false,
  metric: 0,
  protocol: OWN.routeProtocol,
});

const carrierType = (host: Pick<Host, 'udpCarrier'>, config: Config): { readonly type?: CarrierType } => {
  const wish = host.udpCarrier ?? config.carrier;
  return wish === 'auto' ? {} : { type: wish };
};

/** What the carrier depends on: of the host what is known before its filters are looked at. */
type CarrierContext = Pick<Context<Config>, 'self' | 'network' | 'config'> & {
  readonly host: Pick<Host, 'iface' | 'udpCarrier'>;
};

export const carrierOf = ({ self, host, network: { network }, config }: CarrierContext): Carrier => ({
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
});

/** The table's entry for a peer; none where it speaks another backend. */
export const forwardTo = ({ peer, subnet, publicIp }: Lease, { port }: Config): Forward | undefined =>
  peer.type === 'udp' ? { kind: 'forward', device: DEVICE, subnet, nextHop: publicIp, port } : undefined;

const base = (context: Context<Config>): readonly KernelObject[] => {
  const { self, host, config } = context;
  const { network } = context.network;
  return [
    {
      kind: 'link',
      name: DEVICE,
      alias: `${OWN.aliasPrefix}${printPrefix(network)}`,
      mtu: mtu(host, config),
      up: true,
      link: { type: 'tun' },
    },
    { kind: 'address', device: DEVICE, ip: baseOf(self.subnet), length: 32 },
    carrierOf(context),
    ...(host.wideRouteTaken ? [] : [routeTo(network)]),
  ];
};

function peer(lease: Lease, { host, config }: Context<Config>): PeerDesire {
  const forward = forwardTo(lease, config);
  if (!forward) return { objects: [], reach: { problem: `it speaks ${backendName(lease.peer)}, not udp` } };
  return {
    objects: [forward, ...(host.routePerPeer ? [routeTo(lease.subnet)] : [])],
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
