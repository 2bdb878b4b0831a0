import { containsIp, containsPrefix, prefixOf, printIp, printPrefix } from '../model/address.ts';
import type { Lease } from '../model/lease.ts';
import { type NetworkConfig, parseNetworkConfig } from '../model/network-config.ts';
import { accept, type Parsed, type Rejection, reject } from '../model/parsed.ts';
import { atOnce, eachSliced, type Sliced } from '../model/sliced.ts';
import type { KeyValue } from './kv.ts';
import { parseLeaseKv } from './lease-kv.ts';
import { createVerdicts, type Verdicts } from './verdicts.ts';

/** The network config as it stands in etcd. */
export interface ConfigEntry {
  readonly raw: string;
  readonly modRevision: bigint;
  readonly parsed: Parsed<NetworkConfig>;
}

/** What a change did: the leases (by key) that appeared, vanished or differ now. */
export interface ViewChange {
  readonly leases: readonly string[];
  readonly config: boolean;
}

/**
 * What etcd says, folded: the config, the leases that may be believed, and why the others may not. While the config is valid, a snapshot
 * and the changes that lead to it fold to the same, in whatever order the keys were told. One change costs one lease and those that
 * overlap it, however many there are.
 */
export interface View {
  /** Replaces everything; returns what differs from before. */
  reset(kvs: readonly KeyValue[]): ViewChange;
  /** The same in slices: until it is done the view shows what it showed, and may not be told anything else. */
  resetting(kvs: readonly KeyValue[]): Sliced<ViewChange>;
  /** Takes one key (`undefined`: deleted). */
  set(key: string, kv: KeyValue | undefined): ViewChange;
  config(): ConfigEntry | undefined;
  /** What leases are judged by: the network this view was made for, else the last valid config. Without one no lease is believed. */
  network(): NetworkConfig | undefined;
  /** Leases that are believed, by key. The map is the view's own: it changes with it. */
  leases(): ReadonlyMap<string, Lease>;
  /** Why the others are not, by key. */
  rejections(): ReadonlyMap<string, Rejection>;
  /** Whole leases that are not of this network: of another Network, or another SubnetLen. Parsed when asked for. */
  misfits(): Sliced<readonly Lease[]>;
}

interface State {
  readonly configKey: string;
  readonly leasePrefix: string;
  readonly pinned: NetworkConfig | undefined;
  config: ConfigEntry | undefined;
  network: NetworkConfig | undefined;
  raw: Map<string, KeyValue>;
  verdicts: Verdicts;
  /** Those that are no lease at all, or not of this network. */
  refused: Map<string, Rejection>;
}

/** What a lease of this network must be, whoever else is there. */
function judge(lease: Lease, { network, subnetLength }: NetworkConfig): Parsed<Lease> {
  const { key } = lease.etcd;
  const { subnet, publicIp } = lease;
  const shown = printPrefix(subnet);
  if (!containsPrefix(network, subnet))
    return reject('SUBNET_OUTSIDE', key, `${shown} is outside ${printPrefix(network)}`);
  // No config hands out more than a quarter: one lease must not be able to push out all that come after it.
  if (subnet.length < network.length + 2)
    return reject('SUBNET_SIZE', key, `${shown} is more than a quarter of it all`);
  if (prefixOf({ family: 4, value: subnet.address }, subnetLength).address !== subnet.address)
    return reject('SUBNET_GRID', key, `${shown} does not begin on a /${subnetLength} boundary`);
  if (containsIp(network, publicIp))
    return reject('PUBLIC_IP', key, `${printIp(publicIp)} lies inside ${printPrefix(network)} itself`);
  return accept(lease);
}

function parse(state: State, kv: KeyValue): Parsed<Lease> {
  if (kv.key.slice(state.leasePrefix.length).includes('/'))
    return reject('SUBNET_KEY', kv.key, 'the key is not a subnet');
  const parsed = parseLeaseKv(kv);
  return parsed.ok && state.network ? judge(parsed.value, state.network) : parsed;
}

function setLease(state: State, key: string, kv: KeyValue | undefined): string[] {
  state.refused.delete(key);
  if (!kv) {
    state.raw.delete(key);
    return state.verdicts.delete(key);
  }
  state.raw.set(key, kv);
  const parsed = parse(state, kv);
  if (parsed.ok) return state.network ? state.verdicts.set(parsed.value) : [];
  state.refused.set(key, parsed.rejection);
  return state.verdicts.delete(key);
}

function* misfits({ refused, raw }: State): Sliced<readonly Lease[]> {
  const leases: Lease[] = [];
  yield* eachSliced([...refused.keys()], (key) => {
    const kv = raw.get(key);
    const parsed = kv && parseLeaseKv(kv);
    if (parsed?.ok) leases.push(parsed.value);
  });
  return leases;
}

const differing = (before: ReadonlyMap<string, Lease>, after: ReadonlyMap<string, Lease>): string[] => [
  ...[...before.keys()].filter((key) => !after.has(key)),
  ...[...after].flatMap(([key, lease]) => (before.get(key) === lease ? [] : [key])),
];

/** Judges these keys beside what is shown, and shows the result at once. What `keeps` names is as it was, and is not parsed again. */
function* judging(state: State, kvs: Iterable<KeyValue>, keeps: (kv: KeyValue) => boolean): Sliced<string[]> {
  const next: State = { ...state, raw: new Map(), verdicts: createVerdicts(), refused: new Map() };
  yield* eachSliced(kvs, (kv) => {
    const known = keeps(kv) ? state.verdicts.all.get(kv.key) : undefined;
    if (!known) setLease(next, kv.key, kv);
    else {
      next.raw.set(kv.key, kv);
      next.verdicts.set(known);
    }
  });
  const { raw, verdicts, refused } = next;
  const changed = differing(state.verdicts.leases, verdicts.leases);
  Object.assign(state, { raw, verdicts, refused });
  return changed;
}

function setConfig(state: State, kv: KeyValue | undefined): ViewChange {
  state.config = kv && { raw: kv.value, modRevision: kv.modRevision, parsed: parseNetworkConfig(kv.value) };
  if (state.pinned || !state.config?.parsed.ok) return { leases: [], config: true };
  state.network = state.config.parsed.value;
  // The network they are judged by is another one.
  return { leases: atOnce(judging(state, [...state.raw.values()], () => false)), config: true };
}

function set(state: State, key: string, kv: KeyValue | undefined): ViewChange {
  if (key === state.configKey) return setConfig(state, kv);
  if (!key.startsWith(state.leasePrefix)) return { leases: [], config: false };
  return { leases: setLease(state, key, kv), config: false };
}

const same = (a: KeyValue | undefined, b: KeyValue): boolean =>
  a !== undefined &&
  a.modRevision === b.modRevision &&
  a.createRevision === b.createRevision &&
  a.lease === b.lease &&
  a.value === b.value;

function* resetting(state: State, kvs: readonly KeyValue[]): Sliced<ViewChange> {
  const configKv = kvs.find(({ key }) => key === state.configKey);
  const { raw, modRevision } = state.config ?? {};
  const config = raw !== configKv?.value || modRevision !== configKv?.modRevision;
  const leases = kvs.filter(({ key }) => key.startsWith(state.leasePrefix));
  const changed = new Set(yield* judging(state, leases, (kv) => same(state.raw.get(kv.key), kv)));
  for (const key of config ? setConfig(state, configKv).leases : []) changed.add(key);
  return { leases: [...changed], config };
}

/**
 * A view of nothing; `prefix` as `/coreos.com/network`. With `network` leases are judged by it whatever the config becomes: a node keeps
 * to the network that it was started with.
 */
export function createView(prefix: string, network?: NetworkConfig): View {
  const state: State = {
    configKey: `${prefix}/config`,
    leasePrefix: `${prefix}/subnets/`,
    pinned: network,
    config: undefined,
    network,
    raw: new Map(),
    verdicts: createVerdicts(),
    refused: new Map(),
  };
  return {
    reset: (kvs) => atOnce(resetting(state, kvs)),
    resetting: (kvs) => resetting(state, kvs),
    set: (key, kv) => set(state, key, kv),
    config: () => state.config,
    network: () => state.network,
    leases: () => state.verdicts.leases,
    rejections: () => new Map([...state.refused, ...state.verdicts.rejections]),
    misfits: () => misfits(state),
  };
}
