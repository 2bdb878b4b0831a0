import { OWN } from '../kernel/state.ts';
import { containsIp, type Ip, lastOf, type Prefix } from '../model/address.ts';
import type { Lease } from '../model/lease.ts';
import type { Host, PeerDesire } from './backend.ts';

/** The kernel takes neither the first nor the last address of a network as a gateway (but both of a /31). */
const isHostOf = (prefix: Prefix, ip: Ip): boolean =>
  containsIp(prefix, ip) && (prefix.length >= 31 || (ip.value !== prefix.address && ip.value !== lastOf(prefix)));

/** Whether the host reaches this address without a gateway. */
export const isOnLink = (host: Host, ip: Ip): boolean => host.iface.onLink.some((prefix) => isHostOf(prefix, ip));

/** A peer on the same layer-2 segment is itself the gateway to its subnet. */
export const direct = (lease: Lease, host: Host): PeerDesire => ({
  objects: [
    {
      kind: 'route',
      dst: lease.subnet,
      via: lease.publicIp,
      device: host.iface.name,
      onlink: false,
      metric: 0,
      protocol: OWN.routeProtocol,
    },
  ],
  reach: { device: host.iface.name, nextHop: lease.publicIp },
});
