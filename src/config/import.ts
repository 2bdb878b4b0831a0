import { TsflannelError } from '../errors.ts';
import { overlaps, type Prefix } from '../model/address.ts';
import { parseLease, parseSubnetKey } from '../model/lease.ts';
import { parseNetworkConfig } from '../model/network-config.ts';
import { printable } from '../model/parsed.ts';
import type { KeyValue } from '../store/kv.ts';
import type { Store } from '../store/store.ts';
import type { V2Lease, V2Store } from './v2.ts';

/** What becomes of one key. `kept`: the v3 store has something else there. `refused`: it is no lease that flannel would take. */
export type Action = 'write' | 'overwrite' | 'same' | 'kept' | 'refused';

export interface LeaseStep {
  readonly name: string;
  readonly action: Action;
  /** Why it is kept or refused. */
  readonly reason?: string;
  /** Seconds it will live; absent: for good. */
  readonly ttl?: number;
  readonly subnet?: Prefix;
  readonly value: string;
  /** The key it overwrites. */
  readonly over?: KeyValue;
}

export interface ImportPlan {
  readonly config: Extract<Action, 'write' | 'overwrite' | 'same'>;
  readonly raw: string;
  /** Of the config in the v3 store, 0n: there is none. */
  readonly revision: bigint;
  readonly leases: readonly LeaseStep[];
}

const same = (a: string, b: string): boolean => {
  try {
    return JSON.stringify(JSON.parse(a)) === JSON.stringify(JSON.parse(b));
  } catch {
    return a === b;
  }
};

async function configStep(
  store: Store,
  raw: string,
  force: boolean,
): Promise<Pick<ImportPlan, 'config' | 'raw' | 'revision'>> {
  // As a config in use is read: what flannel passes over is no reason to leave it behind.
  const parsed = parseNetworkConfig(raw);
  if (!parsed.ok) throw new TsflannelError('CONFIG_INVALID', { ...parsed.rejection });
  const now = await store.config();
  if (!now) return { config: 'write', raw, revision: 0n };
  if (same(now.raw, raw)) return { config: 'same', raw, revision: now.modRevision };
  if (!force)
    throw new TsflannelError('IMPORT_CONFLICT', { key: `${store.prefix}/config`, detail: printable(now.raw) });
  return { config: 'overwrite', raw, revision: now.modRevision };
}

const subnetOf = ({ key }: KeyValue, prefix: string): Prefix | undefined =>
  parseSubnetKey(key.slice(`${prefix}/subnets/`.length))?.subnet;

function leaseStep(lease: V2Lease, there: readonly KeyValue[], how: { prefix: string; force: boolean }): LeaseStep {
  const { name, value, ttl } = lease;
  const key = `${how.prefix}/subnets/${name}`;
  const step = { name: printable(name), value, ...(ttl !== undefined && { ttl }) };
  const parsed = parseLease(value, { key, leaseId: '0', created: '0', modified: '0' });
  if (!parsed.ok) return { ...step, action: 'refused', reason: parsed.rejection.detail };
  if (parsed.value.subnet6)
    return { ...step, action: 'refused', reason: 'leases with an IPv6 subnet are not supported' };
  if (ttl !== undefined && ttl < 1) return { ...step, action: 'refused', reason: 'it has run out' };
  const { subnet } = parsed.value;
  const over = there.find((kv) => kv.key === key);
  if (over && same(over.value, value)) return { ...step, subnet, action: 'same' };
  if (over && !how.force) return { ...step, subnet, action: 'kept', reason: 'the v3 store has another lease of it' };
  if (over) return { ...step, subnet, action: 'overwrite', over };
  const rival = there.map((kv) => subnetOf(kv, how.prefix)).find((other) => other && overlaps(other, subnet));
  return rival
    ? { ...step, action: 'kept', reason: 'a lease of the v3 store overlaps it' }
    : { ...step, subnet, action: 'write' };
}

/** What an import would do; nothing is written. Rejects with CONFIG_INVALID, IMPORT_CONFLICT unless `force`, or what the store throws. */
export async function planImport(store: Store, from: V2Store, force: boolean): Promise<ImportPlan> {
  const config = await configStep(store, from.config, force);
  const there = (await store.snapshot()).kvs.filter(({ key }) => key.startsWith(`${store.prefix}/subnets/`));
  const leases = from.leases.map((lease) => leaseStep(lease, there, { prefix: store.prefix, force }));
  return { ...config, leases };
}

/** Whether the key is as the step wants it; false when somebody else came first. */
async function writeLease(store: Store, { subnet, value, ttl, over }: LeaseStep): Promise<boolean> {
  if (!subnet) return false;
  if (!over) {
    const held = ttl === undefined ? store.reserve(subnet, value) : store.claim([subnet], value, ttl);
    return (await held) !== undefined;
  }
  const leaseId = ttl === undefined ? 0n : await store.grant(ttl);
  const done = await store.update(over, value, leaseId);
  if (!done && leaseId !== 0n) await store.revoke(leaseId);
  return done !== undefined;
}

/**
 * Writes what the plan says, each key guarded by what was read. Resolves to the steps as they went: who came first is `kept`. Rejects with
 * CONFIG_CHANGED or what the store throws; run again, it goes on where it was.
 */
export async function applyImport(store: Store, plan: ImportPlan): Promise<readonly LeaseStep[]> {
  if (plan.config !== 'same' && !(await store.putConfig(plan.raw, plan.revision)))
    throw new TsflannelError('CONFIG_CHANGED', { revision: String(plan.revision) });
  const done: LeaseStep[] = [];
  for (const step of plan.leases) {
    const wanted = step.action === 'write' || step.action === 'overwrite';
    const lost = wanted && !(await writeLease(store, step));
    done.push(lost ? { ...step, action: 'kept', reason: 'somebody else was faster' } : step);
  }
  return done;
}
