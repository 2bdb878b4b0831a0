import { TsflannelError } from '../../errors.ts';
import { ERRNO, errnoText, libc } from '../../sys/libc.ts';
import { attributesOf, NLM, nested, type Request, text, textOf, u8, u32 } from '../../sys/netlink.ts';
import { type NetlinkSocket, openNetlink } from '../../sys/netlink-socket.ts';

/** Links of the carrier's own, by netlink; they are marked by an alias, and no object of the diff. */

const [RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK] = [16, 17, 18];
const [IFLA_LINKINFO, IFLA_IFALIAS, IFLA_AF_SPEC, IFLA_EXT_MASK] = [18, 20, 26, 29];
const [AF_INET6, INET6_ADDR_GEN_MODE, ADDR_GEN_MODE_NONE] = [10, 8, 1];
const INFO_KIND = 1;
const IFINFO = 16;
const IFF_UP = 1;
const SKIP_STATISTICS = 8;

/** A link's fixed header; `flags` are set. */
export function ifinfo(index: number, flags = 0): Buffer {
  const buffer = Buffer.alloc(IFINFO);
  buffer.writeInt32LE(index, 4);
  buffer.writeUInt32LE(flags, 8);
  buffer.writeUInt32LE(flags, 12);
  return buffer;
}

const change = (index: number, flags: number, ...attributes: Buffer[]): Request => ({
  type: RTM_NEWLINK,
  flags: 0,
  body: Buffer.concat([ifinfo(index, flags), ...attributes]),
});

export function withSocket<T>(use: (socket: NetlinkSocket) => T): T {
  const socket = openNetlink(0);
  try {
    return use(socket);
  } finally {
    socket.close();
  }
}

function must(socket: NetlinkSocket, request: Request, detail: string): void {
  const [answer] = socket.request([request]);
  if (answer?.errno === 0) return;
  const { errno, detail: why } = answer ?? { errno: ERRNO.ENOBUFS };
  throw new TsflannelError('KERNEL_REFUSED', { detail, why: errnoText(errno, why) }, errno);
}

/** Makes a link of these attributes. Throws KERNEL_REFUSED, with EEXIST and the like as cause. */
export const makeLink = (name: string, attributes: readonly Buffer[]): void =>
  withSocket((socket) =>
    must(
      socket,
      { type: RTM_NEWLINK, flags: NLM.CREATE | NLM.EXCL, body: Buffer.concat([ifinfo(0), ...attributes]) },
      `making ${name}`,
    ),
  );

/** Marks the link as this device's, keeps IPv6 off it, and sets it up. Throws KERNEL_REFUSED. */
export function dressLink(name: string, device: string): void {
  withSocket((socket) => {
    const index = libc().ifIndex(name);
    must(socket, change(index, 0, text(IFLA_IFALIAS, `tsflannel-part:${device}`)), `marking ${name}`);
    // No address of its own and its chatter; refused, harmlessly, where IPv6 is off.
    const noIp6 = nested(IFLA_AF_SPEC, nested(AF_INET6, u8(INET6_ADDR_GEN_MODE, ADDR_GEN_MODE_NONE)));
    socket.request([change(index, 0, noIp6)]);
    must(socket, change(index, IFF_UP), `setting ${name} up`);
  });
}

/** Deletes the link; fine if there is none. Throws KERNEL_REFUSED. */
export function removeLink(name: string): void {
  const index = libc().ifIndex(name);
  if (index === 0) return;
  withSocket((socket) => {
    const [answer] = socket.request([{ type: RTM_DELLINK, flags: 0, body: ifinfo(index) }]);
    if (answer && answer.errno !== 0 && answer.errno !== ERRNO.ENODEV)
      throw new TsflannelError('KERNEL_REFUSED', {
        detail: `removing ${name}`,
        why: errnoText(answer.errno, answer.detail),
      });
  });
}

/** The kind of a link that is a piece of software (`veth`, `bridge`, `vlan`); `undefined`: a driver's device. */
export function kindOf(index: number): string | undefined {
  const request = {
    type: RTM_GETLINK,
    flags: 0,
    body: Buffer.concat([ifinfo(0), u32(IFLA_EXT_MASK, SKIP_STATISTICS)]),
  };
  const links = withSocket((socket) => socket.dump(request));
  const found = links.find(({ payload }) => payload.readInt32LE(4) === index);
  const info = found && attributesOf(found.payload, IFINFO).get(IFLA_LINKINFO);
  return info && textOf(attributesOf(info, 0).get(INFO_KIND));
}
