import { OWN } from '../kernel/state.ts';
import { containsIp, type Ip } from '../model/address.ts';
import type { Lease } from '../model/lease.ts';
import type { Host, PeerDesire } from './backend.ts';

/** Whether the host reaches this address without a gateway. */
export const isOnLink = (host: Host, ip: Ip): boolean => host.iface.onLink.some((prefix) => containsIp(prefix, ip));

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
