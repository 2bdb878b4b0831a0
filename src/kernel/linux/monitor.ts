/**
 * Rings when somebody else changed the kernel. A bell, never data: whoever hears it looks again. Netlink names the program
 * behind a message by its port, so our own requests are told apart; of links, whose messages carry no port on older kernels and
 * come for every change of carrier too, only a change of what observe shows counts.
 */
import { libc } from '../../sys/libc.ts';
import type { Message } from '../../sys/netlink.ts';
import { type NetlinkSocket, openNetlink } from '../../sys/netlink-socket.ts';
import type { Kind } from '../state.ts';
import type { Filters } from './filter.ts';
import { openFilterBell } from './filter-bell.ts';
import { fingerprint, isOurs, linkDump, type RawLink, rawLink } from './link.ts';
import { neighbourHead } from './neighbour.ts';
import { isMainRoute, routeDevice } from './route.ts';
import { AF_BRIDGE, AF_INET, GROUP, NETLINK_ROUTE, RTM } from './rtnetlink.ts';

/** A link that goes or is set down takes these with it, without a message of their own. */
const WITH_LINK: readonly Kind[] = ['link', 'address', 'route', 'neighbour', 'fdb'];
const ALL_KINDS: readonly Kind[] = [...WITH_LINK, 'chain', 'jump', 'sysctl', 'file', 'carrier', 'forward'];
const FILTER_KINDS: ReadonlySet<Kind> = new Set(['chain', 'jump']);
const GROUPS = [GROUP.LINK, GROUP.IPV4_IFADDR, GROUP.IPV4_ROUTE, GROUP.NEIGH];

export interface Monitor {
  /**
   * Rings for what has come in by now, then takes what the kernel by itself does to these devices for our own doing, until the
   * next call: we are changing them.
   */
  touching(devices: ReadonlySet<string>): void;
  /** Rings for these, if any, as if the kernel had said so. */
  ring(kinds: ReadonlySet<Kind>): void;
  close(): void;
}

type Bell = (kinds: ReadonlySet<Kind>) => void;

/** Links as last seen, by index. */
type Seen = Map<number, { readonly name: string; readonly print: string; readonly ours: boolean }>;

const remember = (seen: Seen, raw: RawLink): void => {
  seen.set(raw.index, { name: raw.name, print: fingerprint(raw), ours: isOurs(raw) });
};

function linkKinds(message: Message, seen: Seen): readonly Kind[] {
  // Bridges announce their ports in the same group, in a family of their own.
  if (message.payload.readUInt8(0) === AF_BRIDGE) return [];
  const raw = rawLink(message);
  const before = seen.get(raw.index);
  if (message.type === RTM.DELLINK) {
    seen.delete(raw.index);
    return before === undefined ? [] : WITH_LINK;
  }
  remember(seen, raw);
  return before?.print === fingerprint(raw) ? [] : WITH_LINK;
}

/** The kernel's own address resolution (port 0, not permanent) is no change of what we keep; only our devices count. */
function neighbourKinds(message: Message, seen: Seen): readonly Kind[] {
  const { family, index, permanent } = neighbourHead(message);
  if (!seen.get(index)?.ours || (message.port === 0 && !permanent)) return [];
  if (family === AF_BRIDGE) return ['fdb'];
  return family === AF_INET ? ['neighbour'] : [];
}

const isIp4 = (message: Message): boolean => message.payload.readUInt8(0) === AF_INET;

function kindsOf(message: Message, seen: Seen): readonly Kind[] {
  switch (message.type) {
    case RTM.NEWLINK:
    case RTM.DELLINK:
      return linkKinds(message, seen);
    case RTM.NEWADDR:
      return isIp4(message) ? ['address'] : [];
    case RTM.DELADDR:
      // With a device's last address every route over it goes, and the kernel says nothing of those.
      return isIp4(message) ? ['address', 'route'] : [];
    case RTM.NEWROUTE:
    case RTM.DELROUTE:
      return isMainRoute(message) ? ['route'] : [];
    case RTM.NEWNEIGH:
    case RTM.DELNEIGH:
      return neighbourKinds(message, seen);
    default:
      return [];
  }
}

const isRoute = (message: Message): boolean => message.type === RTM.NEWROUTE || message.type === RTM.DELROUTE;

/** Name of the device a message is about. */
function deviceOf(message: Message, seen: Seen): string | undefined {
  const index = isRoute(message) ? routeDevice(message) : message.payload.readInt32LE(4);
  return seen.get(index)?.name ?? (isLink(message) ? rawLink(message).name : undefined);
}

const isLink = (message: Message): boolean => message.type === RTM.NEWLINK || message.type === RTM.DELLINK;

function firstLook(socket: NetlinkSocket): Seen {
  const seen: Seen = new Map();
  for (const message of socket.dump(linkDump)) remember(seen, rawLink(message));
  return seen;
}

/** Listens until closed; `ownPort` is the port of the socket our requests go through. Throws NOT_ROOT, KERNEL_REFUSED. */
export function openMonitor(ownPort: number, filter: Filters, bell: Bell): Monitor {
  const socket = openNetlink(NETLINK_ROUTE, GROUPS);
  const filterBell = openFilterBell(filter, () => bell(FILTER_KINDS));
  const seen = firstLook(socket);

  let touched: ReadonlySet<string> = new Set();

  const ring = (kinds: ReadonlySet<Kind>): void => {
    if (kinds.size > 0) bell(kinds);
  };

  function hear(): void {
    const rung = new Set<Kind>();
    const overflow = socket.drain((message) => {
      const isOurDoing = message.port === 0 && touched.has(deviceOf(message, seen) ?? '');
      const kinds = kindsOf(message, seen);
      if (message.port !== ownPort && !isOurDoing) for (const kind of kinds) rung.add(kind);
    });
    ring(overflow ? new Set(ALL_KINDS) : rung);
  }

  const poll = libc().poll(socket.fd, hear);
  return {
    touching(devices) {
      hear();
      filterBell.settle();
      touched = devices;
    },
    ring,
    close() {
      filterBell.close();
      poll.close();
      socket.close();
    },
  };
}
