/** Links, addresses, routes, neighbours and forwarding entries as the kernel shows them: one dump a kind. */
import { eachSliced, type Sliced } from '../../model/sliced.ts';
import type { Request } from '../../sys/netlink.ts';
import type { NetlinkSocket } from '../../sys/netlink-socket.ts';
import { equal } from '../equal.ts';
import { type KernelObject, type KernelState, type Kind, keyOf, type Observed, OWN } from '../state.ts';
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

/** Where an entry is kept, or the same one of an earlier look. */
type Keep = (seen: Observed) => Observed;

/** One kind of object. */
type Reader = (socket: NetlinkSocket, links: Links, keep: Keep) => Sliced<Observed[]>;

const addresses: Reader = (socket, links, keep) =>
  socket.scanning(addressDump, (message) => {
    const address = parseAddress(message, links);
    return address && keep(onDevice(address, links));
  });

const routes: Reader = (socket, links, keep) =>
  socket.scanning(routeDump, (message) => {
    const route = parseRoute(message, links);
    return route && keep(route);
  });

/** Neighbours and forwarding entries of our own links; those of others are nobody's business here. */
const entries = (socket: NetlinkSocket, request: Request, links: Links, keep: Keep): Sliced<Observed[]> =>
  socket.scanning(request, (message) => {
    const entry = parseNeighbour(message, links);
    const seen = entry && onDevice(entry, links);
    return seen?.ours ? keep(seen) : undefined;
  });

// A look at links is short: it has been made by then.
function* observeLinks(links: Links): Sliced<Observed[]> {
  return links.raw.map((raw) => observeLink(raw, links));
}

function* forwarding(socket: NetlinkSocket, links: Links, keep: Keep): Sliced<Observed[]> {
  const all: Observed[] = [];
  for (const index of links.ours) all.push(...(yield* entries(socket, fdbDump(index), links, keep)));
  return all;
}

const readers = {
  link: (_, links) => observeLinks(links),
  address: addresses,
  route: routes,
  neighbour: (socket, links, keep) => entries(socket, neighbourDump, links, keep),
  fdb: forwarding,
} as const satisfies Readonly<Record<string, Reader>>;

export type RouteKind = keyof typeof readers;
export const ROUTE_KINDS = Object.keys(readers) as RouteKind[];

const keepFrom =
  (before: KernelState | undefined): Keep =>
  (seen) => {
    const known = before?.get(keyOf(seen.object));
    return known && equal(known, seen) ? known : seen;
  };

/**
 * Everything of these kinds into `state`, in slices; the socket is used for nothing else meanwhile. Of two routes under one key the first
 * counts: it is the one the kernel uses.
 */
export function* observingRtnetlink(
  socket: NetlinkSocket,
  kinds: ReadonlySet<RouteKind>,
  state: Map<string, Observed>,
  before?: KernelState,
): Sliced<void> {
  const links = readLinks(socket);
  const keep = keepFrom(before);
  for (const kind of kinds) {
    yield* eachSliced(yield* readers[kind](socket, links, keep), (observed) => {
      const key = keyOf(observed.object);
      if (!state.has(key)) state.set(key, observed);
    });
  }
}

/** Those of the kinds that are looked at here. */
export const routeKindsIn = (kinds: ReadonlySet<Kind>): ReadonlySet<RouteKind> =>
  new Set(ROUTE_KINDS.filter((kind) => kinds.has(kind)));
