/** IPv4 routes of the main table in rtnetlink. */
import { baseOf, prefixOf } from '../../model/address.ts';
import { attribute, attributesOf, type Message, NLM, type Request, u32, u32of } from '../../sys/netlink.ts';
import { type Observed, OWN, type Route } from '../state.ts';
import { AF_INET, CREATE_NEW, familyOf, ipBytes, ipOf, type Names, RTM } from './rtnetlink.ts';

const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, MULTIPATH: 9, TABLE: 15 } as const;
const RTMSG = 12;
const TABLE_MAIN = 254;
const SCOPE_UNIVERSE = 0;
const SCOPE_LINK = 253;
const SCOPE_NOWHERE = 255;
const TYPE_UNICAST = 1;
const FLAG_ONLINK = 4;
const FLAG_CLONED = 0x200;

type DeadEnd = NonNullable<Route['deadEnd']>;

/** Types that stand in the way of a route of ours although they lead nowhere. */
const DEAD_ENDS = new Map<number, DeadEnd>([
  [6, 'blackhole'],
  [7, 'unreachable'],
  [8, 'prohibit'],
  [9, 'throw'],
]);

/** Names of /etc/iproute2/rt_protos. */
const PROTOCOLS = new Map([
  [0, 'unspec'],
  [1, 'redirect'],
  [2, 'kernel'],
  [3, 'boot'],
  [4, 'static'],
  [9, 'ra'],
  [11, 'zebra'],
  [12, 'bird'],
  [16, 'dhcp'],
  [80, 'felix'],
  [186, 'bgp'],
  [187, 'isis'],
  [188, 'ospf'],
  [189, 'rip'],
]);

const rtmsg = (family: number, length: number): Buffer => {
  const buffer = Buffer.alloc(RTMSG);
  buffer.writeUInt8(family, 0);
  buffer.writeUInt8(length, 1);
  buffer.writeUInt8(TABLE_MAIN, 4);
  return buffer;
};

/** Asks for all IPv4 routes. */
export const routeDump: Request = { type: RTM.GETROUTE, flags: 0, body: rtmsg(AF_INET, 0) };

const typeOf = ({ deadEnd }: Route): number => [...DEAD_ENDS].find(([, name]) => name === deadEnd)?.[0] ?? TYPE_UNICAST;

function body(route: Route, index: number, scope: number): Buffer {
  const header = rtmsg(familyOf(route.dst), route.dst.length);
  header.writeUInt8(route.protocol, 5);
  header.writeUInt8(scope, 6);
  header.writeUInt8(typeOf(route), 7);
  header.writeUInt32LE(route.onlink ? FLAG_ONLINK : 0, 8);
  return Buffer.concat([
    header,
    attribute(RTA.DST, ipBytes(baseOf(route.dst))),
    ...(index === 0 ? [] : [u32(RTA.OIF, index)]),
    u32(RTA.PRIORITY, route.metric),
    ...(route.via ? [attribute(RTA.GATEWAY, ipBytes(route.via))] : []),
  ]);
}

const scopeOf = (route: Route): number => (route.via ? SCOPE_UNIVERSE : SCOPE_LINK);

/** Never with NLM_F_REPLACE: that would put another program's route of the same destination (docker0's) away. */
export const createRoute = (route: Route, index: number): Request => ({
  type: RTM.NEWROUTE,
  flags: CREATE_NEW,
  body: body(route, index, scopeOf(route)),
});

/** Puts the route behind one of the same destination and metric, which stays in use until it is deleted: no gap. */
export const appendRoute = (route: Route, index: number): Request => ({
  type: RTM.NEWROUTE,
  flags: NLM.CREATE | NLM.APPEND,
  body: body(route, index, scopeOf(route)),
});

/** Deletes this very route only: destination, metric, protocol, device and gateway have to match. */
export const deleteRoute = (route: Route, index: number): Request => ({
  type: RTM.DELROUTE,
  flags: 0,
  body: body(route, index, SCOPE_NOWHERE),
});

const firstHop = (multipath: Buffer | undefined): number =>
  multipath !== undefined && multipath.length >= 8 ? multipath.readInt32LE(4) : 0;

/** Index of the device a route leads to (of several ways: the first), 0 for none. */
export function routeDevice({ payload }: Message): number {
  const attributes = attributesOf(payload, RTMSG);
  return u32of(attributes.get(RTA.OIF)) ?? firstHop(attributes.get(RTA.MULTIPATH));
}

/** The route with its owner; none for other tables, other types, routes by type of service and cached ones. */
export function parseRoute(message: Message, names: Names): Observed | undefined {
  const { payload } = message;
  if (!isMainRoute(message)) return undefined;
  const attributes = attributesOf(payload, RTMSG);
  const deadEnd = DEAD_ENDS.get(payload.readUInt8(7));
  if (payload.readUInt8(7) !== TYPE_UNICAST && deadEnd === undefined) return undefined;
  const index = routeDevice(message);
  const via = ipOf(attributes.get(RTA.GATEWAY));
  const object: Route = {
    kind: 'route',
    dst: prefixOf(ipOf(attributes.get(RTA.DST)) ?? { family: 4, value: 0n }, payload.readUInt8(1)),
    device: index === 0 ? '' : names.nameOf(index),
    ...(via && { via }),
    onlink: (payload.readUInt32LE(8) & FLAG_ONLINK) !== 0,
    metric: u32of(attributes.get(RTA.PRIORITY)) ?? 0,
    protocol: payload.readUInt8(5),
    ...(deadEnd && { deadEnd }),
  };
  return { object, ...ownerOf(object) };
}

/** Whether a route message is about the IPv4 main table (and no cached clone, no type-of-service route). */
export function isMainRoute({ payload }: Message): boolean {
  if (payload.length < RTMSG || payload.readUInt8(0) !== AF_INET || payload.readUInt8(3) !== 0) return false;
  if ((payload.readUInt32LE(8) & FLAG_CLONED) !== 0) return false;
  return (u32of(attributesOf(payload, RTMSG).get(RTA.TABLE)) ?? payload.readUInt8(4)) === TABLE_MAIN;
}

function ownerOf(route: Route): { ours: boolean; owner: string } {
  const place = route.deadEnd ?? `on ${route.device}`;
  if (route.protocol === OWN.routeProtocol) return { ours: true, owner: OWN.comment };
  const name = PROTOCOLS.get(route.protocol) ?? String(route.protocol);
  return { ours: false, owner: name === 'kernel' ? `kernel ${place}` : `proto ${name} ${place}` };
}
