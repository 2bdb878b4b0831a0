import type { Host } from '../backend/backend.ts';
import { deviceOf } from '../backend/desired.ts';
import type { NodeState } from '../files/node-state.ts';
import { adopting, leftDevice } from '../kernel/adopt.ts';
import type { Kernel } from '../kernel/state.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import type { NodeOptions } from './options.ts';

/** What a node goes on with that was another program's. */
export interface Inheritance {
  /** For the reconciler. */
  readonly kernel: Kernel;
  readonly vtep?: NonNullable<NodeState['vtep']>;
}

/** With --adopt: flanneld's leftovers count as ours until `adopted`, and its device keeps its MAC. */
export async function inherit(
  { adopt }: Pick<NodeOptions, 'adopt'>,
  { kernel, host, network }: { readonly kernel: Kernel; readonly host: Host; readonly network: NetworkConfig },
  adopted: () => boolean,
): Promise<Inheritance> {
  if (!adopt) return { kernel };
  const device = deviceOf(network);
  const links = await kernel.observe({ kinds: new Set(['link']), paths: [], sysctls: [] });
  const left = leftDevice(links, device);
  const where = { network: network.network, subnetLength: network.subnetLength, device, underlay: host.iface.name };
  return {
    kernel: adopting(kernel, where, adopted),
    ...(left && { vtep: { device: left.name, mac: left.mac } }),
  };
}
