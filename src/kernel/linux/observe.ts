/** Links, addresses, routes, neighbours and forwarding entries as the kernel shows them: one dump a kind. */
import type { Message } from '../../sys/netlink.ts';
import type { NetlinkSocket } from '../../sys/netlink-socket.ts';
import { type KernelObject, type Kind, keyOf, type Observed, OWN } from '../state.ts';
import { addressDump, parseAddress } from './address.ts';
import { isOurs, linkDump, observeLink, type RawLink, rawLink } from './link.ts';
import { fdbDump, neighbourDump, parseNeighbour } from './neighbour.ts';
import { parseRoute, routeDump } from './route.ts';
import type { Names } from './rtnetlink.ts';

/** All links of one dump, with their names both ways. */
export interface Links extends Names {
  readonly raw: readonly RawLink[];
  /** Indexes of the links that carry our mark. */
  readonly ours: ReadonlySet<number>;
}

export function readLinks(socket: NetlinkSocket): Links {
  const raw = socket.dump(linkDump).map(rawLink);
  const byIndex = new Map(raw.map((link) => [link.index, link.name]));
  const byName = new Map(raw.map((link) => [link.name, link.index]));
  return {
    raw,
    ours: new Set(raw.filter(isOurs).map((link) => link.index)),
    nameOf: (index) => byIndex.get(index) ?? `#${index}`,
    indexOf: (name) => byName.get(name),
  };
}

function onDevice(object: KernelObject & { readonly device: string }, links: Links): Observed {
  const ours = links.ours.has(links.indexOf(object.device) ?? 0);
  return { object, ours, owner: ours ? OWN.comment : object.device };
}

const defined = <T>(value: T | undefined): value is T => value !== undefined;

function addresses(socket: NetlinkSocket, links: Links): Observed[] {
  const found = socket.dump(addressDump).map((message) => parseAddress(message, links));
  return found.filter(defined).map((address) => onDevice(address, links));
}

/** Neighbours and forwarding entries of our own links; those of others are nobody's business here. */
function entries(messages: readonly Message[], links: Links): Observed[] {
  const found = messages.map((message) => parseNeighbour(message, links));
  return found
    .filter(defined)
    .map((entry) => onDevice(entry, links))
    .filter((entry) => entry.ours);
}

const readers = {
  link: (_: NetlinkSocket, links: Links) => links.raw.map((raw) => observeLink(raw, links)),
  address: addresses,
  route: (socket: NetlinkSocket, links: Links) =>
    socket
      .dump(routeDump)
      .map((message) => parseRoute(message, links))
      .filter(defined),
  neighbour: (socket: NetlinkSocket, links: Links) => entries(socket.dump(neighbourDump), links),
  fdb: (socket: NetlinkSocket, links: Links) =>
    [...links.ours].flatMap((index) => entries(socket.dump(fdbDump(index)), links)),
} as const;

export type RouteKind = keyof typeof readers;
export const ROUTE_KINDS = Object.keys(readers) as RouteKind[];

/** Everything of these kinds into `state`. Of two routes under one key the first counts: it is the one the kernel uses. */
export function observeRtnetlink(
  open: () => NetlinkSocket,
  kinds: ReadonlySet<Kind>,
  state: Map<string, Observed>,
): void {
  const wanted = ROUTE_KINDS.filter((kind) => kinds.has(kind));
  if (wanted.length === 0) return;
  const socket = open();
  const links = readLinks(socket);
  for (const observed of wanted.flatMap((kind) => readers[kind](socket, links))) {
    const key = keyOf(observed.object);
    if (!state.has(key)) state.set(key, observed);
  }
}
