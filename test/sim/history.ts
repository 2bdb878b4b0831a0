import { overlaps, printPrefix } from '../../src/model/address.ts';
import type { Clock } from '../../src/model/clock.ts';
import { type Lease, nodeIdIn } from '../../src/model/lease.ts';
import type { KeyValue, WatchEvent } from '../../src/store/kv.ts';
import { parseLeaseKv } from '../../src/store/lease-kv.ts';
import type { MemoryEtcd } from '../../src/store/memory/etcd.ts';
import { NET } from '../support/kvs.ts';

/** All that was ever written, and what in it must not be. */
export interface History {
  readonly violations: readonly string[];
  /** The next revision to be seen: what is before it may be compacted. */
  position(): bigint;
  /** An older backup took the place of the store: what is not in it is lost, and history goes on from there. Call it while etcd answers. */
  restored(): Promise<void>;
  /** Subnets each node id has held, and how often one of its keys was taken from it. */
  subnetsOf(nodeId: string): ReadonlySet<string>;
  lossesOf(nodeId: string): number;
}

interface State {
  readonly violations: string[];
  readonly leases: Map<string, Lease>;
  readonly subnets: Map<string, Set<string>>;
  readonly losses: Map<string, number>;
}

function judgePut(state: State, event: Extract<WatchEvent, { type: 'put' }>): void {
  const { key, value, modRevision } = event.kv;
  const parsed = parseLeaseKv(event.kv);
  const before = state.leases.get(key);
  const owner = nodeIdIn(value);
  if (before?.nodeId !== undefined && owner !== undefined && owner !== before.nodeId)
    state.violations.push(`revision ${modRevision}: ${owner} wrote to ${key}, which is ${before.nodeId}'s`);
  if (!parsed.ok) return;
  state.leases.set(key, parsed.value);
  if (owner !== undefined) {
    const held = state.subnets.get(owner) ?? new Set();
    state.subnets.set(owner, held.add(printPrefix(parsed.value.subnet)));
  }
  for (const [other, lease] of state.leases)
    if (other !== key && overlaps(lease.subnet, parsed.value.subnet))
      state.violations.push(`revision ${modRevision}: ${key} overlaps ${other}`);
}

function judge(state: State, event: WatchEvent): void {
  if (event.type === 'put') {
    judgePut(state, event);
    return;
  }
  const owner = state.leases.get(event.key)?.nodeId;
  if (owner !== undefined) state.losses.set(owner, (state.losses.get(owner) ?? 0) + 1);
  state.leases.delete(event.key);
}

/** What the backup says is so; who does not find in it what was its own has lost it. */
function goBack(state: State, kvs: readonly KeyValue[]): void {
  const before = new Map(state.leases);
  state.leases.clear();
  for (const kv of kvs) {
    const parsed = parseLeaseKv(kv);
    if (parsed.ok) state.leases.set(kv.key, parsed.value);
  }
  for (const [key, { nodeId }] of before)
    if (nodeId !== undefined && state.leases.get(key)?.nodeId !== nodeId)
      state.losses.set(nodeId, (state.losses.get(nodeId) ?? 0) + 1);
}

const REOPEN_MS = 500;

/** Watches from the beginning on, whatever happens to the streams of others. */
export function recordHistory(etcd: MemoryEtcd, clock: Clock): History {
  const state: State = { violations: [], leases: new Map(), subnets: new Map(), losses: new Map() };
  let next = 1n;
  const kv = etcd.client();
  const watch = (): void => {
    kv.watchStream(
      `${NET}/subnets/`,
      next,
      ({ canceled, events }) => {
        if (canceled) state.violations.push(`history before revision ${next} is gone`);
        for (const event of events) {
          next = (event.type === 'put' ? event.kv.modRevision : event.modRevision) + 1n;
          judge(state, event);
        }
      },
      () => clock.after(REOPEN_MS, watch),
    );
  };
  watch();
  return {
    violations: state.violations,
    position: () => next,
    async restored() {
      const { kvs, revision } = await kv.range(`${NET}/subnets/`);
      goBack(state, kvs);
      next = revision + 1n;
    },
    subnetsOf: (id) => state.subnets.get(id) ?? new Set(),
    lossesOf: (id) => state.losses.get(id) ?? 0,
  };
}
