/** What the sets of the source check hold for each peer, in nft's language and as bytes of nf_tables. Pure. */
import { baseOf, type Ip, lastOf, type Prefix, prefixOf, printIp, printPrefix } from '../../model/address.ts';
import { type Mac, printMac } from '../../model/mac.ts';
import { eachSliced, type Sliced } from '../../model/sliced.ts';
import { attribute, NLM, nested, type Request, text } from '../../sys/netlink.ts';
import type { Source } from '../source-check.ts';
import { ipBytes } from './rtnetlink.ts';

export const SOURCE_TABLE = ['inet', 'tsflannel-sources'] as const;

/** One element of a set: what a packet is compared with, in this order. */
export type Element =
  | { readonly set: 'vteps'; readonly outer: Ip; readonly mac: Mac }
  | { readonly set: 'inner'; readonly mac: Mac; readonly prefix: Prefix }
  | { readonly set: 'direct' | 'subnets'; readonly prefix: Prefix };
export type SetName = Element['set'];

/** The elements that let this source in. */
export const elementsOf = ({ subnet: prefix, mac, outer, direct }: Source): readonly Element[] => [
  { set: 'subnets', prefix },
  ...(mac ? [{ set: 'inner', mac, prefix } as const] : []),
  ...(mac && outer ? [{ set: 'vteps', outer, mac } as const] : []),
  ...(direct ? [{ set: 'direct', prefix } as const] : []),
];

const hexMac = (mac: Mac): string => `0x${Buffer.from(mac.bytes).toString('hex')}`;

function textOf(element: Element): string {
  switch (element.set) {
    case 'vteps':
      return `${printIp(element.outer)} . ${hexMac(element.mac)}`;
    case 'inner':
      return `${printMac(element.mac)} . ${printPrefix(element.prefix)}`;
    default:
      return printPrefix(element.prefix);
  }
}

function grouped(elements: readonly Element[]): Map<SetName, Element[]> {
  const sets = new Map<SetName, Element[]>();
  for (const element of elements) {
    const inside = sets.get(element.set);
    if (inside) inside.push(element);
    else sets.set(element.set, [element]);
  }
  return sets;
}

/** Elements between the braces of nft, by set. */
export const elementTexts = (elements: readonly Element[]): ReadonlyMap<SetName, string> =>
  new Map([...grouped(elements)].map(([set, inside]) => [set, inside.map(textOf).join(', ')]));

/** One change of one source: what lets it in now, and what shall. */
export interface SourceChange {
  readonly from?: Source | undefined;
  readonly to?: Source | undefined;
}

/** Elements to be taken away first, and then to be added. */
export interface ElementChanges {
  readonly remove: readonly Element[];
  readonly add: readonly Element[];
}

const idOf = (element: Element): string => `${element.set} ${textOf(element)}`;

/** Those of `some` that `others` does not have. */
function* without(some: readonly Element[], others: readonly Element[]): Sliced<Element[]> {
  if (some.length === 0 || others.length === 0) return [...some];
  const ids = new Set<string>();
  yield* eachSliced(others, (one) => ids.add(idOf(one)));
  const left: Element[] = [];
  yield* eachSliced(some, (one) => {
    if (!ids.has(idOf(one))) left.push(one);
  });
  return left;
}

/** Address and MAC are one element for all subnets of a node: those of `some` that no source of `after` needs. */
function* unneeded(some: readonly Element[], after: Iterable<Source>): Sliced<readonly Element[]> {
  const shared = new Set(some.filter(({ set }) => set === 'vteps').map(idOf));
  if (shared.size === 0) return some;
  const needed = new Set<string>();
  yield* eachSliced([...after], (source) => {
    for (const id of elementsOf(source).map(idOf)) if (shared.has(id)) needed.add(id);
  });
  return some.filter((one) => !needed.has(idOf(one)));
}

/**
 * Only those that differ: a change that leaves an element as it is leaves its counter too. `after`: all sources there will be, of which some
 * need what one that goes had.
 */
export function* changingElements(changes: readonly SourceChange[], after: Iterable<Source>): Sliced<ElementChanges> {
  const before = changes.flatMap(({ from }) => (from ? elementsOf(from) : []));
  const next = changes.flatMap(({ to }) => (to ? elementsOf(to) : []));
  const remove = yield* unneeded(yield* without(before, next), after);
  return { remove, add: yield* without(next, before) };
}

/** The prefixes cut to a shorter length: where each begins then. */
const cut = (prefixes: readonly Prefix[], length: number): ReadonlySet<bigint> =>
  new Set(prefixes.map((prefix) => prefixOf(baseOf(prefix), length).address));

/**
 * Keys of those of `there` that overlap one of `come` of another length: no set of nftables takes an interval that overlaps one it has. Of one
 * length they are the same, or do not overlap.
 */
export function* overlapping(come: readonly Prefix[], there: ReadonlyMap<string, Source>): Sliced<readonly string[]> {
  const byLength = Map.groupBy(come, ({ length }) => length);
  const cuts = new Map<string, ReadonlySet<bigint>>();
  const keys: string[] = [];
  yield* eachSliced([...there], ([key, { subnet }]) => {
    for (const [length, prefixes] of byLength) {
      if (length === subnet.length) continue;
      const shorter = Math.min(length, subnet.length);
      const begins = cuts.get(`${length} ${shorter}`) ?? cut(prefixes, shorter);
      cuts.set(`${length} ${shorter}`, begins);
      if (begins.has(prefixOf(baseOf(subnet), shorter).address)) keys.push(key);
    }
  });
  return keys;
}

/** The transaction of nft that does this on a table that is there; empty where there is nothing to do. */
export function changesText({ remove, add }: ElementChanges): string {
  const lines = (verb: string, elements: readonly Element[]): string[] =>
    [...elementTexts(elements)].map(
      ([set, inside]) => `${verb} element ${SOURCE_TABLE.join(' ')} ${set} { ${inside} }\n`,
    );
  return [...lines('delete', remove), ...lines('add', add)].join('');
}

export const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH = { BEGIN: 0x10, END: 0x11 } as const;
const NFT_MSG = { NEWSETELEM: 12, DELSETELEM: 14 } as const;
const NFPROTO_INET = 1;
const NFTA_SET_ELEM_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM = { KEY: 1, FLAGS: 3, KEY_END: 10 } as const;
const NFTA_DATA_VALUE = 1;
/** NFT_SET_ELEM_INTERVAL_END, in network byte order like all numbers of nf_tables. */
const INTERVAL_END = attribute(NFTA_SET_ELEM.FLAGS, Buffer.from([0, 0, 0, 1]));

/** A batch of some peers; more are nft's, which takes longer to start but knows no limit. */
const ELEMENTS_MAX = 512;
const LAST_ADDRESS = 0xffff_ffffn;

const key = (type: number, ...fields: Buffer[]): Buffer =>
  nested(type, attribute(NFTA_DATA_VALUE, Buffer.concat(fields)));
const element = (...parts: Buffer[]): Buffer => nested(NFTA_LIST_ELEM, ...parts);

const ipOf = (value: bigint): Buffer => ipBytes({ family: 4, value });
/** Each field of a key fills registers of four bytes. */
const macOf = ({ bytes }: Mac): Buffer => Buffer.from([...bytes, 0, 0]);

/** An interval of a set without other fields is two elements: where it begins, and the first address after it. */
function bytesOf(one: Element): readonly Buffer[] {
  if (one.set === 'vteps') return [element(key(NFTA_SET_ELEM.KEY, ipBytes(one.outer), macOf(one.mac)))];
  const [first, last] = [one.prefix.address, lastOf(one.prefix)];
  if (one.set === 'inner') {
    const mac = macOf(one.mac);
    return [element(key(NFTA_SET_ELEM.KEY, mac, ipOf(first)), key(NFTA_SET_ELEM.KEY_END, mac, ipOf(last)))];
  }
  return [element(key(NFTA_SET_ELEM.KEY, ipOf(first))), element(INTERVAL_END, key(NFTA_SET_ELEM.KEY, ipOf(last + 1n)))];
}

/** struct nfgenmsg: family, version 0, and a number in network byte order. */
const header = (family: number, id = 0): Buffer => Buffer.from([family, 0, id >> 8, id & 255]);

function requestsOf(type: number, flags: number, elements: readonly Element[]): Request[] {
  return [...grouped(elements)].map(([set, inside]) => ({
    type: (NFNL_SUBSYS_NFTABLES << 8) | type,
    flags,
    body: Buffer.concat([
      header(NFPROTO_INET),
      text(NFTA_SET_ELEM_LIST.TABLE, SOURCE_TABLE[1]),
      text(NFTA_SET_ELEM_LIST.SET, set),
      nested(NFTA_SET_ELEM_LIST.ELEMENTS, ...inside.flatMap(bytesOf)),
    ]),
  }));
}

/** The same transaction as a batch for the kernel; undefined where that is left to nft: many elements, or an interval without an end. */
export function changesBatch({ remove, add }: ElementChanges): readonly Request[] | undefined {
  const all = [...remove, ...add];
  const isOpen = (one: Element): boolean => 'prefix' in one && lastOf(one.prefix) === LAST_ADDRESS;
  if (all.length > ELEMENTS_MAX || all.some(isOpen)) return undefined;
  const edge = (type: number): Request => ({ type, flags: 0, body: header(0, NFNL_SUBSYS_NFTABLES) });
  return [
    edge(NFNL_MSG_BATCH.BEGIN),
    ...requestsOf(NFT_MSG.DELSETELEM, 0, remove),
    ...requestsOf(NFT_MSG.NEWSETELEM, NLM.CREATE, add),
    edge(NFNL_MSG_BATCH.END),
  ];
}
