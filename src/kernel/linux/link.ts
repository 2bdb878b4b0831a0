/** Links as rtnetlink tells them, and the requests that make, change and delete ours. */
import {
  attribute,
  attributesOf,
  type Message,
  NLM,
  nested,
  type Request,
  text,
  textOf,
  u8,
  u16network,
  u32,
  u32of,
} from '../../sys/netlink.ts';
import { changesMac } from '../links.ts';
import { type Link, type LinkType, type Observed, OWN } from '../state.ts';
import { AF_INET6, CREATE_NEW, ipBytes, ipOf, macOf, type Names, RTM } from './rtnetlink.ts';

const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINKINFO: 18,
  IFALIAS: 20,
  AF_SPEC: 26,
  GROUP: 27,
  EXT_MASK: 29,
} as const;
const INFO = { KIND: 1, DATA: 2 } as const;
const VXLAN = { ID: 1, LINK: 3, LOCAL: 4, LEARNING: 7, PORT: 15, GBP: 23 } as const;
const TUN_TYPE = 3;
const TUN_TYPE_TUN = 1;
const INET6_ADDR_GEN_MODE = 8;
const ADDR_GEN_MODE_NONE = 1;
const IFF_UP = 1;
/** A device can be made in a group, but gets its alias only afterwards: in this one it is ours, and not finished. */
const UNFINISHED_GROUP = 0x7473_6601;
const DEFAULT_GROUP = 0;
const SKIP_STATISTICS = 8;
const IFINFO = 16;

const header = (index: number, flags = 0, change = 0): Buffer => {
  const buffer = Buffer.alloc(IFINFO);
  buffer.writeInt32LE(index, 4);
  buffer.writeUInt32LE(flags, 8);
  buffer.writeUInt32LE(change, 12);
  return buffer;
};

const set = (index: number, ...attributes: Buffer[]): Request => ({
  type: RTM.SETLINK,
  flags: 0,
  body: Buffer.concat([header(index), ...attributes]),
});

/** Asks for all links, without their counters. */
export const linkDump: Request = {
  type: RTM.GETLINK,
  flags: 0,
  body: Buffer.concat([header(0), u32(IFLA.EXT_MASK, SKIP_STATISTICS)]),
};

/** What a link message says about itself before its device names are resolved. */
export interface RawLink {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly attributes: ReadonlyMap<number, Buffer>;
}

/** The header and attributes of a NEWLINK or DELLINK message. */
export function rawLink(message: Message): RawLink {
  const attributes = attributesOf(message.payload, IFINFO);
  return {
    index: message.payload.readInt32LE(4),
    name: textOf(attributes.get(IFLA.IFNAME)) ?? '',
    up: (message.payload.readUInt32LE(8) & IFF_UP) !== 0,
    attributes,
  };
}

function vxlanOf(data: Buffer, names: Names): LinkType {
  const vxlan = attributesOf(data, 0);
  const lower = u32of(vxlan.get(VXLAN.LINK)) ?? 0;
  return {
    type: 'vxlan',
    vni: u32of(vxlan.get(VXLAN.ID)) ?? 0,
    port: vxlan.get(VXLAN.PORT)?.readUInt16BE(0) ?? 0,
    local: ipOf(vxlan.get(VXLAN.LOCAL)) ?? { family: 4, value: 0n },
    device: lower === 0 ? '' : names.nameOf(lower),
    learning: vxlan.get(VXLAN.LEARNING)?.readUInt8(0) === 1,
    gbp: vxlan.has(VXLAN.GBP),
  };
}

/** One that whoever made it did not live to finish is to be made anew. */
const UNFINISHED: LinkType = { type: 'other', detail: 'unfinished device' };

function typeOf(info: Buffer | undefined, names: Names): LinkType {
  const parts = info === undefined ? new Map<number, Buffer>() : attributesOf(info, 0);
  const kind = textOf(parts.get(INFO.KIND));
  const data = parts.get(INFO.DATA);
  if (kind === 'vxlan' && data !== undefined) return vxlanOf(data, names);
  const isTun = kind === 'tun' && data !== undefined && attributesOf(data, 0).get(TUN_TYPE)?.[0] === TUN_TYPE_TUN;
  return isTun ? { type: 'tun' } : { type: 'other', detail: kind ?? 'device' };
}

/** Alias of a raw link; `undefined` for none. */
export const aliasOf = (raw: RawLink): string | undefined => textOf(raw.attributes.get(IFLA.IFALIAS)) || undefined;

const isUnfinished = (raw: RawLink): boolean => u32of(raw.attributes.get(IFLA.GROUP)) === UNFINISHED_GROUP;

/** Whether the link carries our mark. */
export const isOurs = (raw: RawLink): boolean =>
  isUnfinished(raw) || (aliasOf(raw)?.startsWith(OWN.aliasPrefix) ?? false);

/** What the monitor compares: it rings only for changes of what `observeLink` shows. */
export const fingerprint = (raw: RawLink): string =>
  [
    raw.name,
    raw.up,
    u32of(raw.attributes.get(IFLA.MTU)),
    raw.attributes.get(IFLA.ADDRESS)?.toString('hex'),
    aliasOf(raw),
  ].join('/');

/** The link with its owner. */
export function observeLink(raw: RawLink, names: Names): Observed {
  const link = isUnfinished(raw) ? UNFINISHED : typeOf(raw.attributes.get(IFLA.LINKINFO), names);
  const mac = link.type === 'tun' ? undefined : macOf(raw.attributes.get(IFLA.ADDRESS));
  const object: Link = {
    kind: 'link',
    name: raw.name,
    alias: aliasOf(raw),
    mtu: u32of(raw.attributes.get(IFLA.MTU)) ?? 0,
    up: raw.up,
    ...(mac && { mac }),
    link,
  };
  const ours = isOurs(raw);
  const what = link.type === 'other' ? link.detail : link.type;
  return { object, ours, owner: ours ? OWN.comment : `${what} ${raw.name}` };
}

/** Makes a VXLAN device, down and in the group of unfinished ones until `finish`; its underlay device is given by index. */
export function createVxlan(link: Link, vxlan: LinkType & { type: 'vxlan' }, lower: number): Request {
  const data = [
    u32(VXLAN.ID, vxlan.vni),
    u32(VXLAN.LINK, lower),
    attribute(VXLAN.LOCAL, ipBytes(vxlan.local)),
    u8(VXLAN.LEARNING, vxlan.learning ? 1 : 0),
    u16network(VXLAN.PORT, vxlan.port),
    ...(vxlan.gbp ? [attribute(VXLAN.GBP, Buffer.alloc(0))] : []),
  ];
  const attributes = [
    text(IFLA.IFNAME, link.name),
    u32(IFLA.MTU, link.mtu),
    u32(IFLA.GROUP, UNFINISHED_GROUP),
    ...(link.mac ? [attribute(IFLA.ADDRESS, Buffer.from(link.mac.bytes))] : []),
    nested(IFLA.LINKINFO, text(INFO.KIND, 'vxlan'), nested(INFO.DATA, ...data)),
  ];
  return { type: RTM.NEWLINK, flags: CREATE_NEW, body: Buffer.concat([header(0), ...attributes]) };
}

/** No IPv6 link-local address by itself: flanneld's devices have none either. Refused, harmlessly, where IPv6 is off. */
export const withoutIp6Autoconf = (index: number): Request =>
  set(index, nested(IFLA.AF_SPEC, nested(AF_INET6, u8(INET6_ADDR_GEN_MODE, ADDR_GEN_MODE_NONE))));

/** From one moment to the next it is one of ours by its alias. */
export const finish = (index: number, alias = ''): Request =>
  set(index, text(IFLA.IFALIAS, alias), u32(IFLA.GROUP, DEFAULT_GROUP));

const setAlias = (index: number, alias: string): Request => set(index, text(IFLA.IFALIAS, alias));

export const setUp = (index: number, up: boolean): Request => ({
  type: RTM.SETLINK,
  flags: 0,
  body: header(index, up ? IFF_UP : 0, IFF_UP),
});

/** What turns `before` into `after` in place; what cannot be changed in place is not looked at. */
export function linkChanges(index: number, before: Link | undefined, after: Link): Request[] {
  const changes: Request[] = [];
  if (before?.mtu !== after.mtu) changes.push(set(index, u32(IFLA.MTU, after.mtu)));
  if (after.mac && (!before || changesMac(before, after))) {
    changes.push(set(index, attribute(IFLA.ADDRESS, Buffer.from(after.mac.bytes))));
  }
  // An empty alias takes the old one away.
  if (before?.alias !== after.alias) changes.push(setAlias(index, after.alias ?? ''));
  if ((before?.up ?? false) !== after.up) changes.push(setUp(index, after.up));
  return changes;
}

export const deleteLink = (index: number): Request => ({ type: RTM.DELLINK, flags: NLM.ACK, body: header(index) });

/** A VXLAN device without an id, which no kernel makes: one that knows VXLAN says that it lacks something (EINVAL), another that it is unknown. */
export const impossibleVxlan: Request = {
  type: RTM.NEWLINK,
  flags: CREATE_NEW,
  body: Buffer.concat([header(0), text(IFLA.IFNAME, 'flannel.none'), nested(IFLA.LINKINFO, text(INFO.KIND, 'vxlan'))]),
};
