import type { Host } from '../backend/backend.ts';
import type { Kernel, KernelState, Kind } from '../kernel/state.ts';
import type { Ip } from '../model/address.ts';
import type { CarrierWish } from '../model/backend-config.ts';
import { hostFingerprint } from './fingerprint.ts';
import type { Underlay } from './interface.ts';

const KINDS: ReadonlySet<Kind> = new Set(['link', 'address', 'route']);

/** Links, addresses and routes of this host: what an interface is chosen from. */
export const observeInterfaces = (kernel: Kernel): Promise<KernelState> =>
  kernel.observe({ kinds: KINDS, paths: [], sysctls: [] });

/** What a node says of itself beside its interface. */
export interface HostWish {
  readonly nodeId: string;
  readonly publicIp?: Ip;
  readonly ipMasq: boolean;
  readonly randomFully?: boolean;
  readonly forwardRules?: boolean;
  readonly vtep?: Host['vtep'];
  readonly udpCarrier?: CarrierWish;
  readonly subnetFile: string;
}

/** The host as backends see it. Facts that change later are read again by the reconciler. */
export async function gatherHost(kernel: Kernel, iface: Underlay, wish: HostWish): Promise<Host> {
  const hostId = await hostFingerprint(iface.name);
  return {
    nodeId: wish.nodeId,
    ...(hostId !== undefined && { hostId }),
    iface,
    publicIp: wish.publicIp ?? iface.ip,
    filter: await kernel.filterFacts(),
    ipMasq: wish.ipMasq,
    ...(wish.randomFully === false && { randomFully: false }),
    ...(wish.forwardRules === false && { forwardRules: false }),
    ...(wish.vtep && { vtep: wish.vtep }),
    ...(wish.udpCarrier && { udpCarrier: wish.udpCarrier }),
    subnetFile: wish.subnetFile,
    wideRouteTaken: false,
    routePerPeer: false,
  };
}
