/** Our table of the source check as `nft -j list table` shows it, back into objects and counts; in slices. Pure. */
import { type Ip, type Prefix, parseIp4, prefixOf, printPrefix } from '../../model/address.ts';
import type { DropReason, SourceCounters } from '../../model/carrier-report.ts';
import { type Mac, parseMac, printMac } from '../../model/mac.ts';
import { eachSliced, type Sliced } from '../../model/sliced.ts';
import type { Guard, GuardSettings, Source } from '../source-check.ts';
import { at, isJson, type Json, listOf, prefixFrom } from './nft.ts';
import type { SetName } from './source-elements.ts';
import { BASES, commentOf, PRIORITY, parseSettings, rulesOf } from './source-text.ts';

interface Counted {
  readonly packets: number;
  readonly bytes: number;
}
type Element = Counted & { readonly value: unknown };

/** The table's parts by kind. */
interface Listing {
  readonly chains: readonly Json[];
  readonly rules: readonly Json[];
  readonly counters: readonly Json[];
  /** As they stand there: {@link elementOf}. */
  elements(set: SetName | 'refused'): readonly unknown[];
}

const numberAt = (value: unknown, ...path: string[]): number => {
  const found = at(value, ...path);
  return typeof found === 'number' ? found : 0;
};

function elementOf(item: unknown): Element {
  const inner = at(item, 'elem');
  const counter = at(inner, 'counter');
  const counts = { packets: numberAt(counter, 'packets'), bytes: numberAt(counter, 'bytes') };
  return { value: inner === undefined ? item : at(inner, 'val'), ...counts };
}

function listing(json: string): Listing {
  const items = listOf(at(JSON.parse(json), 'nftables'));
  const of = (kind: string): Json[] => items.map((item) => at(item, kind)).filter(isJson);
  const sets = new Map(of('set').map((set) => [set.name, listOf(set.elem)]));
  return {
    chains: of('chain'),
    rules: of('rule'),
    counters: of('counter'),
    elements: (name) => sets.get(name) ?? [],
  };
}

/** What the sets say, joined by subnet; `damage` where they do not agree. */
interface Joined {
  readonly sources: readonly Source[];
  /** Of each source, by its place. */
  readonly received: readonly Counted[];
  readonly damage?: string;
}

const macOf = (value: unknown): Mac | undefined =>
  typeof value === 'number'
    ? parseMac(value.toString(16).padStart(12, '0').match(/../g)!.join(':'))
    : typeof value === 'string'
      ? parseMac(value)
      : undefined;

const ipOf = (value: unknown): Ip | undefined => (typeof value === 'string' ? parseIp4(value) : undefined);

/** Elements by a key; those without one, and a second one of a key, are damage. */
function* byKey<T>(
  elements: readonly unknown[],
  read: (element: Element) => readonly [key: string | undefined, value: T | undefined],
): Sliced<{ map: Map<string, T>; isSound: boolean }> {
  const map = new Map<string, T>();
  yield* eachSliced(elements, (element) => {
    const [key, value] = read(elementOf(element));
    if (key !== undefined && value !== undefined) map.set(key, value);
  });
  return { map, isSound: map.size === elements.length };
}

const keyFrom = (value: unknown): string | undefined => {
  const prefix = prefixFrom(value);
  return prefix && printPrefix(prefix);
};

function* joining(list: Listing): Sliced<Joined> {
  const pair = ({ value }: Element): readonly unknown[] => listOf(at(value, 'concat'));
  const subnets = yield* byKey(list.elements('subnets'), ({ value }) => {
    const prefix = prefixFrom(value);
    return [prefix && printPrefix(prefix), prefix];
  });
  const direct = yield* byKey(list.elements('direct'), (one) => [keyFrom(one.value), one]);
  const inner = yield* byKey(list.elements('inner'), (one) => {
    const [mac, prefix] = [macOf(pair(one)[0]), keyFrom(pair(one)[1])];
    return [prefix, mac && { ...one, mac }];
  });
  const vteps = yield* byKey(list.elements('vteps'), (one) => {
    const [ip, mac] = [ipOf(pair(one)[0]), macOf(pair(one)[1])];
    return [mac && printMac(mac), ip];
  });
  const used = new Set<string>();
  const sources: Source[] = [];
  yield* eachSliced(subnets.map, ([key, subnet]) => {
    const mac = inner.map.get(key)?.mac;
    const outer = mac && vteps.map.get(printMac(mac));
    if (mac) used.add(printMac(mac));
    sources.push({ kind: 'source', subnet, ...(mac && { mac }), ...(outer && { outer }), direct: direct.map.has(key) });
  });
  const isWhole =
    [subnets, direct, inner, vteps].every(({ isSound }) => isSound) &&
    [...direct.map.keys(), ...inner.map.keys()].every((key) => subnets.map.has(key)) &&
    [...vteps.map.keys()].every((mac) => used.has(mac));
  const none: Counted = { packets: 0, bytes: 0 };
  const received = [...subnets.map.keys()].map((key) => {
    const [tunnelled, plain] = [inner.map.get(key) ?? none, direct.map.get(key) ?? none];
    return { packets: tunnelled.packets + plain.packets, bytes: tunnelled.bytes + plain.bytes };
  });
  return { sources, received, ...(!isWhole && { damage: 'its sets do not agree' }) };
}

/** What of the chains is not as it was written. */
function damageOf({ chains, rules }: Listing, settings: GuardSettings): string | undefined {
  const wanted = rulesOf(settings);
  const stray = chains.find(({ name }) => !wanted.some(([chain]) => chain === name));
  if (stray) return `chain ${String(stray.name)} is not ours`;
  for (const [name, texts] of wanted) {
    const chain = chains.find((one) => one.name === name);
    const hook = name in BASES ? BASES[name as keyof typeof BASES] : undefined;
    const isHooked = chain && chain.hook === hook && (!hook || (chain.prio === PRIORITY && chain.policy === 'accept'));
    if (!isHooked) return `chain ${name} is missing or elsewhere`;
    const found = rules.filter((rule) => rule.chain === name).map(({ comment }) => comment);
    const comments = texts.map((text, i) => commentOf(settings, name, text, i));
    if (found.join('\n') !== comments.join('\n')) return `chain ${name} has other rules`;
  }
  return undefined;
}

function guardOf(list: Listing, joined: Joined): Guard {
  const first = list.rules.find(({ chain }) => chain === 'prerouting');
  const settings = typeof first?.comment === 'string' ? parseSettings(first.comment) : undefined;
  if (!settings) return { kind: 'guard', damage: 'its first rule is not ours' };
  const damage = damageOf(list, settings) ?? joined.damage;
  return { kind: 'guard', settings, ...(damage !== undefined && { damage }) };
}

/** What the table is. Throws where the text is no JSON. */
export function* parsingTable(json: string): Sliced<{ readonly guard: Guard; readonly sources: readonly Source[] }> {
  const list = listing(json);
  yield;
  const joined = yield* joining(list);
  return { guard: guardOf(list, joined), sources: joined.sources };
}

/** Finds the prefix an address is in, whatever their number. */
function finder(prefixes: readonly Prefix[]): (ip: Ip) => number {
  const places = new Map(prefixes.map((prefix, i) => [printPrefix(prefix), i]));
  const lengths = [...new Set(prefixes.map(({ length }) => length))];
  return (ip) => {
    for (const length of lengths) {
      const place = places.get(printPrefix(prefixOf(ip, length)));
      if (place !== undefined) return place;
    }
    return -1;
  };
}

/** Who was refused by the tunnel: outer address and packets, by the place of the source whose subnet the packets named. */
function refusals(list: Listing, sources: readonly Source[]): Map<number, { packets: number; from: Ip }> {
  const find = finder(sources.map(({ subnet }) => subnet));
  const found = new Map<number, { packets: number; from: Ip }>();
  for (const { value, packets } of list.elements('refused').map(elementOf)) {
    const [outer, inner] = listOf(at(value, 'concat'));
    const from = ipOf(outer);
    if (!from || typeof inner !== 'number') continue;
    const place = find({ family: 4, value: BigInt(inner) });
    if (place >= 0) found.set(place, { packets: packets + (found.get(place)?.packets ?? 0), from });
  }
  return found;
}

/** What was counted, for all and for each source. */
export function* parsingCounters(json: string): Sliced<SourceCounters> {
  const list = listing(json);
  yield;
  const { sources, received } = yield* joining(list);
  const refused = refusals(list, sources);
  const drops = Object.fromEntries(list.counters.map(({ name, packets }) => [name, packets]));
  return {
    drops: drops as Partial<Record<DropReason, number>>,
    peers: sources.map(({ subnet }, i) => {
      const refusal = refused.get(i);
      const from = refusal ? { refusedFrom: refusal.from } : {};
      return { subnet, received: received[i]!, refused: refusal?.packets ?? 0, ...from };
    }),
  };
}
