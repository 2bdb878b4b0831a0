/**
 * The GRO hop. GRO joins packets as they come from a driver, and there ours are still UDP; after decapsulation nobody joins them any more,
 * and each TCP segment would go up the stack alone. So they go once through a veth pair of our own, whose far end does GRO again
 * (docs/adr/0006). Needs no support of the underlay's driver.
 */
import { TsflannelError } from '../../errors.ts';
import { setOffload } from '../../sys/device.ts';
import { ERRNO, errnoText, libc } from '../../sys/libc.ts';
import { attribute, NLM, nested, type Request, text, u8, u32 } from '../../sys/netlink.ts';
import { type NetlinkSocket, openNetlink } from '../../sys/netlink-socket.ts';

/** Interfaces by index: packets are redirected to `enter` and come out, joined, at `leave`. */
export interface Hop {
  readonly enter: number;
  readonly leave: number;
}

const [RTM_NEWLINK, RTM_DELLINK] = [16, 17];
const [IFLA_IFNAME, IFLA_MTU, IFLA_LINKINFO, IFLA_IFALIAS, IFLA_AF_SPEC] = [3, 4, 18, 20, 26];
const [IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES] = [31, 32];
const [INFO_KIND, INFO_DATA, VETH_INFO_PEER] = [1, 2, 1];
const [AF_INET6, INET6_ADDR_GEN_MODE, ADDR_GEN_MODE_NONE] = [10, 8, 1];
const IFF_UP = 1;
const MTU = 65_535;
const MAX_QUEUES = 64;

const nameOf = (device: string) => ({ enter: `${device}-gro`, leave: `${device}-gro-rx` });
/** By this alias the pair is known as ours. */
const aliasOf = (device: string): string => `tsflannel-gro:${device}`;

const header = (index: number, flags = 0): Buffer => {
  const buffer = Buffer.alloc(16);
  buffer.writeInt32LE(index, 4);
  buffer.writeUInt32LE(flags, 8);
  buffer.writeUInt32LE(flags, 12);
  return buffer;
};

const change = (index: number, flags: number, ...attributes: Buffer[]): Request => ({
  type: RTM_NEWLINK,
  flags: 0,
  body: Buffer.concat([header(index, flags), ...attributes]),
});

/** A queue a CPU: flows of different CPUs do not meet. */
function create(device: string, queues: number): Request {
  const { enter, leave } = nameOf(device);
  const end = (name: string) => [
    text(IFLA_IFNAME, name),
    u32(IFLA_MTU, MTU),
    u32(IFLA_NUM_TX_QUEUES, queues),
    u32(IFLA_NUM_RX_QUEUES, queues),
  ];
  const peer = attribute(VETH_INFO_PEER, Buffer.concat([header(0), ...end(leave)]));
  const info = nested(IFLA_LINKINFO, text(INFO_KIND, 'veth'), nested(INFO_DATA, peer));
  return { type: RTM_NEWLINK, flags: NLM.CREATE | NLM.EXCL, body: Buffer.concat([header(0), ...end(enter), info]) };
}

function must(socket: NetlinkSocket, requests: readonly Request[], detail: string): void {
  const refused = socket.request(requests).find(({ errno }) => errno !== 0);
  if (refused) throw new TsflannelError('KERNEL_REFUSED', { detail, why: errnoText(refused.errno, refused.detail) });
}

function dress(socket: NetlinkSocket, device: string, index: number): void {
  must(socket, [change(index, 0, text(IFLA_IFALIAS, aliasOf(device)))], 'marking the GRO hop');
  // No IPv6 address and its chatter; refused, harmlessly, where IPv6 is off.
  const noIp6 = nested(IFLA_AF_SPEC, nested(AF_INET6, u8(INET6_ADDR_GEN_MODE, ADDR_GEN_MODE_NONE)));
  socket.request([change(index, 0, noIp6)]);
}

function withSocket<T>(use: (socket: NetlinkSocket) => T): T {
  const socket = openNetlink(0);
  try {
    return use(socket);
  } finally {
    socket.close();
  }
}

/** The hop of this device, made where a former daemon has not left it. Throws KERNEL_REFUSED. */
export function openHop(device: string, cpus: number): Hop {
  const names = nameOf(device);
  return withSocket((socket) => {
    if (libc().ifIndex(names.leave) === 0)
      must(socket, [create(device, Math.min(cpus, MAX_QUEUES))], `making ${names.enter}`);
    const [enter, leave] = [libc().ifIndex(names.enter), libc().ifIndex(names.leave)];
    for (const index of [enter, leave]) dress(socket, device, index);
    // veth does GRO only on what comes from an end that would have to cut super-packets (veth_skb_is_eligible_for_gro).
    setOffload(names.enter, 'tso', false);
    setOffload(names.leave, 'gro', true);
    must(socket, [change(enter, IFF_UP), change(leave, IFF_UP)], `setting ${names.enter} up`);
    return { enter, leave };
  });
}

/** Deletes the hop; fine if there is none. */
export function removeHop(device: string): void {
  const index = libc().ifIndex(nameOf(device).enter);
  if (index === 0) return;
  withSocket((socket) => {
    const [answer] = socket.request([{ type: RTM_DELLINK, flags: 0, body: header(index) }]);
    if (answer && answer.errno !== 0 && answer.errno !== ERRNO.ENODEV)
      throw new TsflannelError('KERNEL_REFUSED', {
        detail: 'removing the GRO hop',
        why: errnoText(answer.errno, answer.detail),
      });
  });
}
