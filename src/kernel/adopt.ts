/**
 * What a stopped flanneld leaves in the kernel (v0.28.9): its VXLAN device with address and entries, a route a peer, its chains. While
 * they are adopted they count as ours, so that the diff puts our mark on what fits and takes away what does not; nothing is made anew
 * that could stay. Pure.
 */
import { containsPrefix, type Prefix } from '../model/address.ts';
import type { Mac } from '../model/mac.ts';
import type { Kernel, KernelState, Link, Observed } from './state.ts';

/** Where its objects are. */
export interface Leftovers {
  readonly network: Prefix;
  readonly subnetLength: number;
  /** Name of its device; a backend without one has its routes on the underlay. */
  readonly device: string | undefined;
  readonly underlay: string;
}

/** Owner of its chains and jumps, as they are observed. */
export const FLANNELD = 'flanneld';
/** rtm_protocol of what a program adds that does not say who it is. */
const PROTOCOL_BOOT = 3;

function isLeft({ object, owner }: Observed, { network, subnetLength, device, underlay }: Leftovers): boolean {
  switch (object.kind) {
    case 'chain':
    case 'jump':
      return owner === FLANNELD;
    case 'link':
      return object.name === device && object.link.type === 'vxlan';
    case 'address':
      return object.device === device;
    case 'route':
      return (
        object.protocol === PROTOCOL_BOOT &&
        object.via !== undefined &&
        object.dst.length === subnetLength &&
        containsPrefix(network, object.dst) &&
        (object.device === device || object.device === underlay)
      );
    default:
      return false;
  }
}

/** The device it left, if its lease can go on with the MAC the peers know. */
export function leftDevice(seen: KernelState, device: string | undefined): (Link & { readonly mac: Mac }) | undefined {
  const found = device === undefined ? undefined : seen.get(`link/${device}`);
  if (!found || found.ours || found.object.kind !== 'link' || found.object.link.type !== 'vxlan') return undefined;
  const { mac } = found.object;
  return mac && { ...found.object, mac };
}

/** A kernel whose leftovers count as ours until `adopted` says that they carry our mark by now. */
export function adopting(kernel: Kernel, left: Leftovers, adopted: () => boolean): Kernel {
  return {
    ...kernel,
    async observe(query) {
      const seen = await kernel.observe(query);
      if (adopted()) return seen;
      return new Map(
        [...seen].map(([key, one]) => [
          key,
          !one.ours && isLeft(one, left) ? { ...one, ours: true, owner: FLANNELD } : one,
        ]),
      );
    },
  };
}
