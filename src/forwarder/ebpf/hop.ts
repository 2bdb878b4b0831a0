/**
 * The GRO hop. GRO joins packets as they come from a driver, and there ours are still UDP; after decapsulation nobody joins them any more,
 * and each TCP segment would go up the stack alone. So they go once through a veth pair of our own, whose far end does GRO again
 * (docs/adr/0008). Needs no support of the underlay's driver.
 */
import { setOffload } from '../../sys/device.ts';
import { libc } from '../../sys/libc.ts';
import { attribute, nested, text, u32 } from '../../sys/netlink.ts';
import { dressLink, ifinfo, makeLink, removeLink } from './link.ts';

/** Interfaces by index: packets are redirected to `enter` and come out, joined, at `leave`. */
export interface Hop {
  readonly enter: number;
  readonly leave: number;
}

const [IFLA_IFNAME, IFLA_MTU, IFLA_LINKINFO] = [3, 4, 18];
const [IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES] = [31, 32];
const [INFO_KIND, INFO_DATA, VETH_INFO_PEER] = [1, 2, 1];
const MTU = 65_535;
const MAX_QUEUES = 64;

const nameOf = (device: string) => ({ enter: `${device}-gro`, leave: `${device}-gro-rx` });

/** A queue a CPU: flows of different CPUs do not meet. */
function make(device: string, queues: number): void {
  const { enter, leave } = nameOf(device);
  const end = (name: string) => [
    text(IFLA_IFNAME, name),
    u32(IFLA_MTU, MTU),
    u32(IFLA_NUM_TX_QUEUES, queues),
    u32(IFLA_NUM_RX_QUEUES, queues),
  ];
  const peer = attribute(VETH_INFO_PEER, Buffer.concat([ifinfo(0), ...end(leave)]));
  makeLink(enter, [...end(enter), nested(IFLA_LINKINFO, text(INFO_KIND, 'veth'), nested(INFO_DATA, peer))]);
}

/** The hop of this device, made where a former daemon has not left it. Throws KERNEL_REFUSED. */
export function openHop(device: string, cpus: number): Hop {
  const { enter, leave } = nameOf(device);
  if (libc().ifIndex(leave) === 0) make(device, Math.min(cpus, MAX_QUEUES));
  // veth does GRO only on what comes from an end that would have to cut super-packets (veth_skb_is_eligible_for_gro).
  setOffload(enter, 'tso', false);
  setOffload(leave, 'gro', true);
  for (const name of [enter, leave]) dressLink(name, device);
  return { enter: libc().ifIndex(enter), leave: libc().ifIndex(leave) };
}

/** Deletes the hop; fine if there is none. */
export const removeHop = (device: string): void => removeLink(nameOf(device).enter);
