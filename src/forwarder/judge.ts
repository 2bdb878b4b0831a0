import type { SourceCheck } from '../model/backend-config.ts';
import { DROP, decrementTtl, destinationOf, ip4Length, type Span, sourceOf, ttlOf } from './packet.ts';
import { isHop, lookup, NOBODY, type Table } from './table.ts';

/** What a node is in the network: the range of its subnet, the address its ICMP errors come from, and what it lets in. */
export interface Self {
  readonly first: number;
  readonly last: number;
  readonly address: number;
  readonly check: SourceCheck;
}

const FIRST_MULTICAST = 0xe0000000;
const { multicast: MULTICAST, ttl: TTL } = DROP;
const NO_ROUTE = DROP['no-route'];
const OWN_SUBNET = DROP['own-subnet'];
const OUTER_SOURCE_UNKNOWN = DROP['outer-source-unknown'];
const INNER_SOURCE_FOREIGN = DROP['inner-source-foreign'];
const INNER_DESTINATION_FOREIGN = DROP['inner-destination-foreign'];

const isOwn = (self: Self, address: number): boolean => address >= self.first && address <= self.last;

/**
 * A packet that the kernel handed us: the table row of the peer it goes to, with its length trimmed and its time to live decremented, or a
 * DROP number and the packet as it was.
 */
export function judgeOutbound(span: Span, self: Self, table: Table): number {
  const total = ip4Length(span);
  if (total < 0) return total;
  const destination = destinationOf(span);
  if (destination >= FIRST_MULTICAST) return MULTICAST;
  if (isOwn(self, destination)) return OWN_SUBNET;
  const row = lookup(table, destination);
  if (row < 0) return NO_ROUTE;
  if (ttlOf(span) <= 1) return TTL;
  span.length = total;
  decrementTtl(span);
  return row;
}

/** The row whose peer sent this, or a DROP number. */
function judgeSource(span: Span, self: Self, table: Table): number {
  const total = ip4Length(span);
  if (total < 0) return total;
  const source = sourceOf(span);
  const row = isOwn(self, source) ? -1 : lookup(table, source);
  if (row < 0) return INNER_SOURCE_FOREIGN;
  span.length = total;
  return isOwn(self, destinationOf(span)) ? row : INNER_DESTINATION_FOREIGN;
}

/** Any sound packet: the row of the peer in whose subnet its source is, or NOBODY. */
function judgeAny(span: Span, table: Table): number {
  const total = ip4Length(span);
  if (total < 0) return total;
  span.length = total;
  const row = lookup(table, sourceOf(span));
  return row < 0 ? NOBODY : row;
}

/** As `judgeInbound`, the time to live apart. */
function judgeOrigin(span: Span, outer: number, self: Self, table: Table): number {
  if (self.check === 'off') return judgeAny(span, table);
  const row = judgeSource(span, self, table);
  if (self.check === 'subnet' || (row >= 0 && table.hop[row] === outer)) return row;
  if (!isHop(table, outer)) return OUTER_SOURCE_UNKNOWN;
  return row < 0 ? row : INNER_SOURCE_FOREIGN;
}

/**
 * A datagram from `outer`: delivered only if a peer sent it, from within that peer's subnet, to within ours (or as far as the source check
 * is loosened). Returns the peer's row, with the packet trimmed and its time to live decremented, or a DROP number. A datagram of a
 * stranger is counted as that, whatever is in it.
 */
export function judgeInbound(span: Span, outer: number, self: Self, table: Table): number {
  const row = judgeOrigin(span, outer, self, table);
  if (row < 0) return row;
  if (ttlOf(span) <= 1) return TTL;
  decrementTtl(span);
  return row;
}

/** The row of the peer in whose name a packet came that was dropped for this reason, because that peer is somewhere else; or -1. */
export function misusedRow(span: Span, reason: number, self: Self, table: Table): number {
  if (reason !== OUTER_SOURCE_UNKNOWN && reason !== INNER_SOURCE_FOREIGN) return -1;
  return judgeSource(span, self, table);
}
