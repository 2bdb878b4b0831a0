import { printIp } from '../model/address.ts';
import type { BackendConfig } from '../model/backend-config.ts';
import { backendName } from '../model/lease.ts';
import type { Backend } from './backend.ts';
import { direct, isOnLink } from './direct.ts';
import { directSource, guard } from './source-check.ts';

type Config = Extract<BackendConfig, { type: 'host-gw' }>;

/** No tunnel: each peer is the gateway to its subnet. Works only where all nodes share a layer-2 segment, and says so where not. */
export const hostGw: Backend<Config> = {
  type: 'host-gw',
  announce: () => ({ type: 'host-gw' }),
  device: () => undefined,
  mtu: (host) => host.iface.mtu,
  base: (context) => guard(context, context.config.sourceCheck),
  peer: (lease, context) => {
    const { host, config } = context;
    if (lease.peer.type !== 'host-gw')
      return { objects: [], reach: { problem: `it speaks ${backendName(lease.peer)}, not host-gw` } };
    if (!isOnLink(host, lease.publicIp)) {
      return {
        objects: [],
        reach: { problem: `${printIp(lease.publicIp)} is behind a router: host-gw needs one layer-2 segment` },
      };
    }
    const { objects, reach } = direct(lease, host);
    return { objects: [...directSource(context, config.sourceCheck, lease), ...objects], reach };
  },
};
