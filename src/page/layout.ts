/**
 * page/ knows how the page of `tsflannel ui` looks, in the browser; it must not know where the figures come from. This file says where things
 * go and what they mean, without a browser; the others make elements of it. Everything shown is text of other hosts, never markup.
 */
import type { Flow } from '../model/live.ts';
import type { RouteRow } from '../model/report.ts';

/** How well a way is, as the style sheet knows it. */
export type Health = 'ok' | 'warn' | 'bad';

export const healthOf = ({ state, liveness }: RouteRow): Health => {
  if (state === 'foreign') return 'warn';
  if (state !== 'ok' && state !== 'this node') return 'bad';
  if (liveness?.verdict === 'silent' || liveness?.verdict === 'one-way') return 'bad';
  return liveness?.verdict === 'loses' ? 'warn' : 'ok';
};

/** In words, for those who do not see colours. */
export const stateText = (row: RouteRow): string =>
  row.state === 'ok' && row.liveness && row.liveness.verdict !== 'unknown' ? row.liveness.verdict : row.state;

/** More than these are in the table only. */
export const MAX_DRAWN = 120;

export interface Point {
  readonly row: RouteRow;
  readonly x: number;
  readonly y: number;
}

/** This node in the middle of a square of 200, the others around it; only leases are nodes. */
export function placeNodes(rows: readonly RouteRow[]): readonly Point[] {
  const nodes = rows.filter(({ leaseId }) => leaseId !== undefined);
  const own = nodes.find(({ state }) => state === 'this node');
  const peers = nodes.filter((row) => row !== own).slice(0, MAX_DRAWN);
  const around = peers.map((row, i): Point => {
    // Two rings where one would be too full.
    const radius = peers.length > 24 && i % 2 === 1 ? 55 : 80;
    const angle = (2 * Math.PI * i) / peers.length - Math.PI / 2;
    return { row, x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
  });
  return own ? [{ row: own, x: 0, y: 0 }, ...around] : around;
}

/** Width of a link: a thousand times the traffic is one step more. */
export const linkWidth = ({ sent, received }: Flow): number =>
  0.6 + Math.log10(1 + (sent?.bits ?? 0) + (received?.bits ?? 0)) / 3;

/** One square of the address map. */
export interface Cell {
  /** `172.17.5.0/24`, or the first and last of several. */
  readonly name: string;
  /** Rows that lease something in it. */
  readonly rows: readonly RouteRow[];
}

const MAX_CELLS = 1024;

const parse = (prefix: string): { readonly address: number; readonly length: number } | undefined => {
  const [dotted = '', length = ''] = prefix.split('/');
  const parts = dotted.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return { address: parts.reduce((sum, part) => sum * 256 + part, 0), length: Number(length) };
};

const print = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');

/** The network cut into its subnets, several to a square where there are too many; empty when the prefixes are not understood. */
export function addressMap(network: string, ownSubnet: string, rows: readonly RouteRow[]): readonly Cell[] {
  const [whole, own] = [parse(network), parse(ownSubnet)];
  if (!whole || !own || own.length < whole.length) return [];
  const subnets = 2 ** (own.length - whole.length);
  const group = Math.max(1, subnets / MAX_CELLS);
  const size = 2 ** (32 - own.length) * group;
  const holders = new Map<number, RouteRow[]>();
  for (const row of rows) {
    const subnet = row.leaseId === undefined ? undefined : parse(row.subnet);
    if (!subnet) continue;
    const cell = Math.floor((subnet.address - whole.address) / size);
    holders.set(cell, [...(holders.get(cell) ?? []), row]);
  }
  return Array.from({ length: subnets / group }, (_, i): Cell => {
    const first = whole.address + i * size;
    const name = group === 1 ? `${print(first)}/${own.length}` : `${print(first)} to ${print(first + size - 1)}`;
    return { name, rows: holders.get(i) ?? [] };
  });
}
