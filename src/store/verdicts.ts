import { type Prefix, printPrefix } from '../model/address.ts';
import { compareAge, type Lease } from '../model/lease.ts';
import { type Rejection, reject } from '../model/parsed.ts';
import { createOverlapIndex } from './overlap.ts';

/**
 * Who is believed when leases overlap: the oldest first, then each that overlaps none of those believed already. It does not matter in
 * which order they are told, and telling one costs only those that overlap it.
 */
export interface Verdicts {
  /** All leases that were told, by key, believed or not. */
  readonly all: ReadonlyMap<string, Lease>;
  /** Believed leases by key. */
  readonly leases: ReadonlyMap<string, Lease>;
  /** Why the others are not. */
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** Adds or replaces the lease of this key; returns the keys whose believed lease differs now. */
  set(lease: Lease): string[];
  delete(key: string): string[];
}

interface State {
  readonly all: Map<string, Lease>;
  readonly index: ReturnType<typeof createOverlapIndex>;
  readonly leases: Map<string, Lease>;
  readonly rejections: Map<string, Rejection>;
}

const overlapping = (state: State, subnet: Prefix): Lease[] =>
  state.index.overlapping(subnet).flatMap((key) => state.all.get(key) ?? []);

/** The oldest believed lease that is older than this one and overlaps it. */
function rivalOf(state: State, lease: Lease, others: readonly Lease[]): Lease | undefined {
  let rival: Lease | undefined;
  for (const other of others) {
    if (!state.leases.has(other.etcd.key) || compareAge(other, lease) >= 0) continue;
    if (!rival || compareAge(other, rival) < 0) rival = other;
  }
  return rival;
}

/** Judges one lease, those older than it being judged; returns whether what is believed has changed. */
function judge(state: State, lease: Lease, others: readonly Lease[]): boolean {
  const { key } = lease.etcd;
  const before = state.leases.get(key);
  const rival = rivalOf(state, lease, others);
  if (rival) {
    const detail = `overlaps the older lease of ${printPrefix(rival.subnet)}`;
    state.rejections.set(key, reject('SUBNET_OVERLAP', key, detail).rejection);
    state.leases.delete(key);
    return before !== undefined;
  }
  state.rejections.delete(key);
  state.leases.set(key, lease);
  return before !== lease;
}

function insertByAge(queue: Lease[], lease: Lease): void {
  const at = queue.findIndex((other) => compareAge(other, lease) > 0);
  queue.splice(at < 0 ? queue.length : at, 0, lease);
}

/** Judges these, and whatever that changes, from the oldest to the youngest. */
function settle(state: State, dirty: readonly Lease[]): string[] {
  const queue = [...dirty].sort(compareAge);
  const queued = new Set(queue);
  const changed: string[] = [];
  for (let i = 0; i < queue.length; i++) {
    const lease = queue[i] as Lease;
    const wasBelieved = state.leases.has(lease.etcd.key);
    const others = overlapping(state, lease.subnet);
    if (!judge(state, lease, others)) continue;
    changed.push(lease.etcd.key);
    if (wasBelieved === state.leases.has(lease.etcd.key)) continue;
    for (const other of others) {
      if (queued.has(other) || compareAge(other, lease) < 0) continue;
      queued.add(other);
      insertByAge(queue, other);
    }
  }
  return changed;
}

function forget(state: State, key: string): { readonly affected: Lease[]; readonly changed: string[] } {
  const lease = state.all.get(key);
  if (!lease) return { affected: [], changed: [] };
  state.all.delete(key);
  state.index.remove(lease.subnet, key);
  state.rejections.delete(key);
  const affected = overlapping(state, lease.subnet).filter((other) => compareAge(other, lease) > 0);
  return { affected, changed: state.leases.delete(key) ? [key] : [] };
}

/** What happens to all but a few: nobody else claims any of these addresses. */
function replaceAlone(state: State, lease: Lease): string[] {
  const { key } = lease.etcd;
  if (!state.all.has(key)) state.index.add(lease.subnet, key);
  state.all.set(key, lease);
  state.leases.set(key, lease);
  return [key];
}

function replace(state: State, lease: Lease): string[] {
  const { key } = lease.etcd;
  if (state.index.overlapping(lease.subnet).every((other) => other === key)) return replaceAlone(state, lease);
  const believed = state.leases.get(key);
  const { affected } = forget(state, key);
  state.all.set(key, lease);
  state.index.add(lease.subnet, key);
  const younger = overlapping(state, lease.subnet).filter((other) => compareAge(other, lease) >= 0);
  const changed = new Set(settle(state, [...new Set([...affected, ...younger])]));
  if (believed && !state.leases.has(key)) changed.add(key);
  return [...changed];
}

/** Nobody is known yet. */
export function createVerdicts(): Verdicts {
  const state: State = { all: new Map(), index: createOverlapIndex(), leases: new Map(), rejections: new Map() };
  return {
    all: state.all,
    leases: state.leases,
    rejections: state.rejections,
    set: (lease) => replace(state, lease),
    delete(key) {
      const { affected, changed } = forget(state, key);
      return [...changed, ...settle(state, affected)];
    },
  };
}
