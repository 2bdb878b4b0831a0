import { TsflannelError } from '../../errors.ts';
import type { Compare, KeyValue, Op, WatchEvent } from '../kv.ts';

/** All that happened at one revision. */
export interface Change {
  readonly revision: bigint;
  readonly events: readonly WatchEvent[];
}

/** And what takes it back: the keys it is about as they were before. */
interface Written extends Change {
  readonly before: ReadonlyMap<string, KeyValue | undefined>;
}

/** Keys with revisions, as etcd keeps them: transactions, history, compaction. No leases, no clients. */
export interface Data {
  revision(): bigint;
  /** Watches from before this revision are refused. */
  compacted(): bigint;
  /** At a former revision, as it was then. Throws ETCD_FAILED for one that is compacted or yet to come. */
  get(key: string, revision?: bigint): KeyValue | undefined;
  /** The same of all, in the order of their keys. */
  find(prefix: string, revision?: bigint): KeyValue[];
  /** True and one new revision, or false and nothing. Throws ETCD_FAILED where etcd refuses the request as such. */
  txn(compares: readonly Compare[], ops: readonly Op[]): boolean;
  /** Changes from `revision` on that are still known. */
  since(revision: bigint): readonly Change[];
  compact(revision: bigint): void;
  /** The same once more, to go on by itself. */
  copy(): Data;
}

interface State {
  revision: bigint;
  compacted: bigint;
  readonly keys: Map<string, KeyValue>;
  history: Written[];
}

/** etcd's refusal of a request. */
export const refusal = (detail: string): TsflannelError =>
  new TsflannelError('ETCD_FAILED', { detail: `etcdserver: ${detail}` });

function holds(state: State, compare: Compare): boolean {
  const kv = state.keys.get(compare.key);
  if (compare.target === 'lease') return (kv?.lease ?? 0n) === compare.lease;
  const revision = compare.target === 'mod' ? kv?.modRevision : kv?.createRevision;
  return (revision ?? 0n) === compare.revision;
}

function put(state: State, op: Extract<Op, { op: 'put' }>, revision: bigint): WatchEvent {
  const before = state.keys.get(op.key);
  const kv: KeyValue = {
    key: op.key,
    value: op.value,
    createRevision: before?.createRevision ?? revision,
    modRevision: revision,
    version: (before?.version ?? 0n) + 1n,
    lease: op.lease ?? 0n,
  };
  state.keys.set(op.key, kv);
  return { type: 'put', kv };
}

function apply(state: State, ops: readonly Op[]): void {
  const revision = state.revision + 1n;
  const before = new Map(ops.map(({ key }) => [key, state.keys.get(key)]));
  const events = ops.flatMap((op): WatchEvent[] => {
    if (op.op === 'put') return [put(state, op, revision)];
    return state.keys.delete(op.key) ? [{ type: 'delete', key: op.key, modRevision: revision }] : [];
  });
  if (events.length === 0) return;
  state.revision = revision;
  state.history.push({ revision, events, before });
}

/** The keys at a revision: all that came after it taken back, the newest first. */
function keysAt({ keys, revision: now, compacted, history }: State, revision: bigint): ReadonlyMap<string, KeyValue> {
  if (revision === now) return keys;
  if (revision > now) throw refusal('mvcc: required revision is a future revision');
  if (revision < compacted) throw refusal('mvcc: required revision has been compacted');
  const then = new Map(keys);
  for (const change of history.filter((each) => each.revision > revision).reverse())
    for (const [key, kv] of change.before) {
      if (kv) then.set(key, kv);
      else then.delete(key);
    }
  return then;
}

const byKey = (a: KeyValue, b: KeyValue): number => (a.key < b.key ? -1 : 1);

/** An empty store; its first change gets revision 2, as etcd's. */
export const createData = (): Data => dataOf({ revision: 1n, compacted: 0n, keys: new Map(), history: [] });

function dataOf(state: State): Data {
  return {
    revision: () => state.revision,
    compacted: () => state.compacted,
    get: (key, revision = state.revision) => keysAt(state, revision).get(key),
    find: (prefix, revision = state.revision) =>
      [...keysAt(state, revision).values()].filter(({ key }) => key.startsWith(prefix)).sort(byKey),
    txn(compares, ops) {
      const puts = ops.filter(({ op }) => op === 'put').map(({ key }) => key);
      if (new Set(puts).size < puts.length) throw refusal('duplicate key given in txn request');
      if (!compares.every((compare) => holds(state, compare))) return false;
      apply(state, ops);
      return true;
    },
    since: (revision) => state.history.filter((change) => change.revision >= revision),
    compact(revision) {
      if (revision > state.revision) throw refusal('mvcc: required revision is a future revision');
      state.compacted = revision;
      state.history = state.history.filter((change) => change.revision >= revision);
    },
    copy: () => dataOf({ ...state, keys: new Map(state.keys), history: [...state.history] }),
  };
}
