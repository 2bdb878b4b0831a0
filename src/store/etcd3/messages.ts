/** The package's messages (bytes, 64-bit numbers as decimal text) and our shapes. */
import type { ICompare, IKeyValue, IRequestOp, IStatusResponse, IWatchResponse } from 'etcd3';
import { keyRange, textOf } from '../keys.ts';
import type { Compare, KeyValue, MemberStatus, Op, WatchEvent, WatchFrame } from '../kv.ts';

export const keyValue = (kv: IKeyValue): KeyValue => ({
  key: textOf(kv.key),
  value: textOf(kv.value),
  createRevision: BigInt(kv.create_revision),
  modRevision: BigInt(kv.mod_revision),
  version: BigInt(kv.version),
  lease: BigInt(kv.lease),
});

export function compareMessage(compare: Compare): ICompare {
  const key = Buffer.from(compare.key);
  if (compare.target === 'lease') return { key, target: 'Lease', lease: String(compare.lease) };
  return compare.target === 'mod'
    ? { key, target: 'Mod', mod_revision: String(compare.revision) }
    : { key, target: 'Create', create_revision: String(compare.revision) };
}

export function opMessage(op: Op): IRequestOp {
  const key = Buffer.from(op.key);
  if (op.op === 'delete') return { request_delete_range: { key } };
  return { request_put: { key, value: Buffer.from(op.value), lease: String(op.lease ?? 0n) } };
}

export function rangeMessage(prefix: string, exact: boolean): { key: Buffer; range_end?: Buffer } {
  const { key, rangeEnd } = keyRange(prefix, exact);
  return exact ? { key: Buffer.from(key) } : { key: Buffer.from(key), range_end: Buffer.from(rangeEnd) };
}

export function watchFrame(message: IWatchResponse): WatchFrame {
  return {
    created: message.created,
    canceled: message.canceled,
    compactRevision: BigInt(message.compact_revision),
    revision: BigInt(message.header.revision),
    clusterId: BigInt(message.header.cluster_id),
    events: message.events.map(
      ({ type, kv }): WatchEvent =>
        type === 'Delete'
          ? { type: 'delete', key: textOf(kv.key), modRevision: BigInt(kv.mod_revision) }
          : { type: 'put', kv: keyValue(kv) },
    ),
  };
}

export const memberStatus = (message: IStatusResponse): MemberStatus => ({
  memberId: BigInt(message.header.member_id),
  clusterId: BigInt(message.header.cluster_id),
  leader: BigInt(message.leader),
  version: message.version,
  dbSize: BigInt(message.dbSize),
  dbSizeInUse: BigInt(message.dbSizeInUse),
  revision: BigInt(message.header.revision),
  raftTerm: BigInt(message.raftTerm),
  raftIndex: BigInt(message.raftIndex),
});
