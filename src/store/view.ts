import { containsIp, containsPrefix, overlaps, type Prefix, printIp, printPrefix, sizeOf } from '../model/address.ts';
import { type Lease, parseLease } from '../model/lease.ts';
import { type NetworkConfig, parseNetworkConfig } from '../model/network-config.ts';
import { type Parsed, type Rejection, reject } from '../model/parsed.ts';
import type { KeyValue } from './kv.ts';

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
 * What etcd says, folded: the config, the leases that may be believed, and why the others may not. The fold of a snapshot and of the
 * changes that lead to it are the same. One change costs one lease and those that overlap it, however many there are.
 */
export interface View {
  /** Replaces everything; returns what differs from before. */
  reset(kvs: readonly KeyValue[]): ViewChange;
  /** Takes one key (`undefined`: deleted). */
  set(key: string, kv: KeyValue | undefined): ViewChange;
  config(): ConfigEntry | undefined;
  /** The last valid network: leases are judged by it even when the config is broken later. */
  network(): NetworkConfig | undefined;
  /** By key. */
  leases(): ReadonlyMap<string, Lease>;
  rejections(): ReadonlyMap<string, Rejection>;
}

interface Candidate {
  readonly lease: Lease;
  readonly created: bigint;
}

interface State {
  readonly configKey: string;
  readonly leasePrefix: string;
  config: ConfigEntry | undefined;
  network: NetworkConfig | undefined;
  /** All that parse and lie in the network, by key; of those that overlap, the oldest is believed. */
  readonly candidates: Map<string, Candidate>;
  /** Cells of the grid of subnets to the keys that touch them. */
  readonly cells: Map<number, Set<string>>;
  readonly leases: Map<string, Lease>;
  readonly rejections: Map<string, Rejection>;
  readonly raw: Map<string, KeyValue>;
}

function judge(lease: Lease, network: NetworkConfig): Rejection | undefined {
  const { key } = lease.etcd;
  if (!containsPrefix(network.network, lease.subnet)) {
    return reject('SUBNET_OUTSIDE', key, `${printPrefix(lease.subnet)} is outside ${printPrefix(network.network)}`)
      .rejection;
  }
  if (containsIp(network.network, lease.publicIp)) {
    return reject('PUBLIC_IP', key, `${printIp(lease.publicIp)} lies inside the network itself`).rejection;
  }
  return undefined;
}

/** Cells that a subnet touches: one for one of the usual length, several for a shorter prefix. */
function cellsOf({ network }: NetworkConfig, subnetLength: number, subnet: Prefix): number[] {
  const shift = BigInt(32 - subnetLength);
  const first = Number((subnet.address - network.address) >> shift);
  const last = Number((subnet.address + sizeOf(subnet) - 1n - network.address) >> shift);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

const cells = (state: State, subnet: Prefix): number[] =>
  state.network ? cellsOf(state.network, state.network.subnetLength, subnet) : [];

function place(state: State, key: string, candidate: Candidate): void {
  state.candidates.set(key, candidate);
  for (const cell of cells(state, candidate.lease.subnet)) {
    const keys = state.cells.get(cell) ?? new Set();
    state.cells.set(cell, keys.add(key));
  }
}

function displace(state: State, key: string): void {
  const candidate = state.candidates.get(key);
  if (!candidate) return;
  state.candidates.delete(key);
  for (const cell of cells(state, candidate.lease.subnet)) {
    const keys = state.cells.get(cell);
    keys?.delete(key);
    if (keys?.size === 0) state.cells.delete(cell);
  }
}

/** Every candidate that overlaps `subnet`, or overlaps one that does, and so on. */
function neighbourhood(state: State, subnet: Prefix): Set<string> {
  const found = new Set<string>();
  const todo = cells(state, subnet);
  for (let cell = todo.pop(); cell !== undefined; cell = todo.pop()) {
    for (const key of state.cells.get(cell) ?? []) {
      if (found.has(key)) continue;
      found.add(key);
      const candidate = state.candidates.get(key);
      if (candidate && state.cells.get(cell)!.size > 1) todo.push(...cells(state, candidate.lease.subnet));
    }
  }
  return found;
}

const older = (a: Candidate, b: Candidate): number =>
  a.created < b.created ? -1 : a.created > b.created ? 1 : a.lease.etcd.key < b.lease.etcd.key ? -1 : 1;

/** Decides anew among candidates that may overlap: the oldest first; returns the keys whose lease differs now. */
function decide(state: State, keys: ReadonlySet<string>): string[] {
  const accepted: Lease[] = [];
  const changed: string[] = [];
  const sorted = [...keys].flatMap((key) => state.candidates.get(key) ?? []).sort(older);
  for (const { lease } of sorted) {
    const { key } = lease.etcd;
    const rival = accepted.find((other) => overlaps(other.subnet, lease.subnet));
    if (rival) {
      if (state.leases.delete(key)) changed.push(key);
      state.rejections.set(key, reject('SUBNET_OVERLAP', key, `overlaps the older lease ${rival.etcd.key}`).rejection);
      continue;
    }
    accepted.push(lease);
    state.rejections.delete(key);
    if (state.leases.get(key) !== lease) changed.push(key);
    state.leases.set(key, lease);
  }
  return changed;
}

function refuse(state: State, key: string, rejection: Rejection | undefined): string[] {
  if (rejection) state.rejections.set(key, rejection);
  else state.rejections.delete(key);
  return state.leases.delete(key) ? [key] : [];
}

const etcdOf = (kv: KeyValue) => ({
  key: kv.key,
  leaseId: kv.lease.toString(),
  created: kv.createRevision.toString(),
  modified: kv.modRevision.toString(),
});

function setLease(state: State, key: string, kv: KeyValue | undefined): string[] {
  const before = state.candidates.get(key)?.lease.subnet;
  displace(state, key);
  if (kv) state.raw.set(key, kv);
  else state.raw.delete(key);
  const parsed = kv && parseLease(kv.value, etcdOf(kv));
  const rejection = parsed?.ok ? state.network && judge(parsed.value, state.network) : parsed?.rejection;
  const changed = new Set<string>();
  if (parsed?.ok && kv && !rejection) place(state, key, { lease: parsed.value, created: kv.createRevision });
  else for (const gone of refuse(state, key, rejection)) changed.add(gone);
  const subnet = before ?? (parsed?.ok ? parsed.value.subnet : undefined);
  if (!subnet || !state.network || !containsPrefix(state.network.network, subnet)) return [...changed];
  for (const other of decide(state, neighbourhood(state, subnet))) changed.add(other);
  return [...changed];
}

function setConfig(state: State, kv: KeyValue | undefined): ViewChange {
  state.config = kv && { raw: kv.value, modRevision: kv.modRevision, parsed: parseNetworkConfig(kv.value) };
  if (!state.config?.parsed.ok) return { leases: [], config: true };
  state.network = state.config.parsed.value;
  const all = [...state.raw.values()];
  for (const key of state.candidates.keys()) displace(state, key);
  state.cells.clear();
  const changed = new Set(all.flatMap((entry) => setLease(state, entry.key, entry)));
  return { leases: [...changed], config: true };
}

function set(state: State, key: string, kv: KeyValue | undefined): ViewChange {
  if (key === state.configKey) return setConfig(state, kv);
  if (!key.startsWith(state.leasePrefix)) return { leases: [], config: false };
  return { leases: setLease(state, key, kv), config: false };
}

const unchanged = (state: State, kv: KeyValue): boolean => {
  const known = state.raw.get(kv.key);
  return (
    known !== undefined &&
    known.modRevision === kv.modRevision &&
    known.createRevision === kv.createRevision &&
    known.value === kv.value
  );
};

function reset(state: State, kvs: readonly KeyValue[]): ViewChange {
  const present = new Map(kvs.map((kv) => [kv.key, kv]));
  const configKv = present.get(state.configKey);
  const config = state.config?.raw !== configKv?.value || state.config?.modRevision !== configKv?.modRevision;
  const changed = new Set(config ? setConfig(state, configKv).leases : []);
  const gone = [...state.raw.keys()].filter((key) => !present.has(key));
  const fresh = kvs.filter((kv) => kv.key.startsWith(state.leasePrefix) && !unchanged(state, kv));
  for (const key of gone) for (const lease of setLease(state, key, undefined)) changed.add(lease);
  for (const kv of fresh) for (const lease of setLease(state, kv.key, kv)) changed.add(lease);
  return { leases: [...changed], config };
}

/** A view of nothing; `prefix` as `/coreos.com/network`. */
export function createView(prefix: string): View {
  const state: State = {
    configKey: `${prefix}/config`,
    leasePrefix: `${prefix}/subnets/`,
    config: undefined,
    network: undefined,
    candidates: new Map(),
    cells: new Map(),
    leases: new Map(),
    rejections: new Map(),
    raw: new Map(),
  };
  return {
    reset: (kvs) => reset(state, kvs),
    set: (key, kv) => set(state, key, kv),
    config: () => state.config,
    network: () => state.network,
    leases: () => state.leases,
    rejections: () => state.rejections,
  };
}
