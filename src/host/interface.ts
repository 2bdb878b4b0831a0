import { TsflannelError } from '../errors.ts';
import type { Address, KernelState, Link, Route } from '../kernel/state.ts';
import { containsIp, type Ip, isSpecialIp4, type Prefix, parseIp4, prefixOf, printIp } from '../model/address.ts';

/** The underlay interface as a backend needs it. */
export interface Underlay {
  readonly name: string;
  readonly mtu: number;
  readonly ip: Ip;
  readonly onLink: readonly Prefix[];
}

/** flanneld's ways to say which interface: names or addresses in order, then patterns, then the route to an address. */
export interface InterfaceWish {
  readonly iface: readonly string[];
  readonly ifaceRegex: readonly string[];
  readonly ifaceCanReach?: Ip;
}

interface Candidate extends Underlay {
  readonly bridge: boolean;
}

const entriesOf = <K extends 'link' | 'address' | 'route'>(state: KernelState, kind: K) =>
  [...state.values()].flatMap(({ object, ours }) =>
    object.kind === kind && !ours ? [object as Extract<typeof object, { kind: K }>] : [],
  );

function candidates(state: KernelState): Candidate[] {
  const links = new Map<string, Link>(entriesOf(state, 'link').map((link) => [link.name, link]));
  const byDevice = Map.groupBy(entriesOf(state, 'address'), ({ device }: Address) => device);
  return [...byDevice].flatMap(([name, addresses]) => {
    const link = links.get(name);
    const first = addresses.find(({ ip }) => !isSpecialIp4(ip));
    if (!link?.up || !first || name === 'lo') return [];
    const onLink = addresses.filter(({ length }) => length < 32).map(({ ip, length }) => prefixOf(ip, length));
    const bridge = /^(?:docker|br-|veth|virbr|cni|flannel)/.test(name);
    return [{ name, mtu: link.mtu, ip: first.ip, onLink, bridge }];
  });
}

/** The address itself, where the wish names one of several on the interface. */
const withIp = (candidate: Candidate, state: KernelState, ip: Ip): Candidate | undefined =>
  entriesOf(state, 'address').some((address) => address.device === candidate.name && address.ip.value === ip.value)
    ? { ...candidate, ip }
    : undefined;

function byName(state: KernelState, all: readonly Candidate[], wish: string): Candidate | undefined {
  const ip = parseIp4(wish);
  if (!ip) return all.find(({ name }) => name === wish);
  return all.map((candidate) => withIp(candidate, state, ip)).find((candidate) => candidate !== undefined);
}

function byPattern(state: KernelState, all: readonly Candidate[], pattern: string): Candidate | undefined {
  let regex: RegExp;
  try {
    regex = new RegExp(pattern);
  } catch (error) {
    throw new TsflannelError('USAGE', { detail: `--iface-regex ${pattern}: ${(error as Error).message}` });
  }
  // As flanneld: every address first, and the one that fits is taken; names after.
  const fitting = entriesOf(state, 'address').filter(({ ip }) => !isSpecialIp4(ip) && regex.test(printIp(ip)));
  for (const { device, ip } of fitting) {
    const found = all.find(({ name }) => name === device);
    if (found) return { ...found, ip };
  }
  return all.find(({ name }) => regex.test(name));
}

/** The main table's route to an address: longest prefix, then lowest metric. */
export function routeTo(state: KernelState, ip: Ip): Route | undefined {
  const fitting = entriesOf(state, 'route').filter(({ dst }) => containsIp(dst, ip));
  return fitting.sort((a, b) => b.dst.length - a.dst.length || a.metric - b.metric)[0];
}

const defaultRoute = (state: KernelState): Route | undefined =>
  entriesOf(state, 'route')
    .filter(({ dst }) => dst.length === 0)
    .sort((a, b) => a.metric - b.metric)[0];

function explicit(state: KernelState, all: readonly Candidate[], wish: InterfaceWish): Candidate | undefined {
  for (const name of wish.iface) {
    const found = byName(state, all, name);
    if (found) return found;
  }
  for (const pattern of wish.ifaceRegex) {
    const found = byPattern(state, all, pattern);
    if (found) return found;
  }
  if (!wish.ifaceCanReach) return undefined;
  const device = routeTo(state, wish.ifaceCanReach)?.device;
  return all.find(({ name }) => name === device);
}

const underlayOf = ({ name, mtu, ip, onLink }: Candidate): Underlay => ({ name, mtu, ip, onLink });

const describe = (wish: InterfaceWish): string =>
  [
    ...wish.iface,
    ...wish.ifaceRegex,
    ...(wish.ifaceCanReach ? [`a route to ${printIp(wish.ifaceCanReach)}`] : []),
  ].join(', ');

/** Interfaces one could mean; more than one means that somebody has to say which. */
export type InterfaceChoice = { readonly found: Underlay } | { readonly ambiguous: readonly Underlay[] };

/**
 * The underlay interface: what the wish names, else that of the default route, else the only one that could be it.
 * Throws IFACE_NOT_FOUND.
 */
export function chooseInterface(state: KernelState, wish: InterfaceWish): InterfaceChoice {
  const all = candidates(state);
  const wished = wish.iface.length + wish.ifaceRegex.length > 0 || wish.ifaceCanReach !== undefined;
  if (wished) {
    const found = explicit(state, all, wish);
    if (!found) throw new TsflannelError('IFACE_NOT_FOUND', { detail: describe(wish) });
    return { found: underlayOf(found) };
  }
  const device = defaultRoute(state)?.device;
  const byDefault = all.find(({ name }) => name === device);
  if (byDefault) return { found: underlayOf(byDefault) };
  const plain = all.filter(({ bridge }) => !bridge);
  if (plain.length === 0) throw new TsflannelError('IFACE_NOT_FOUND', { detail: 'an underlay' });
  return plain.length === 1 && plain[0] ? { found: underlayOf(plain[0]) } : { ambiguous: plain };
}

/** The interface as it is now: with the address it had if that is still there, else with its first. Throws IFACE_NOT_FOUND. */
export function sameInterface(state: KernelState, before: Underlay): Underlay {
  const now = candidates(state).find(({ name }) => name === before.name);
  if (!now) throw new TsflannelError('IFACE_NOT_FOUND', { detail: before.name });
  return underlayOf(withIp(now, state, before.ip) ?? now);
}
