/**
 * store/etcd/ knows how the calls of store/kv.ts are said in etcd's messages, and its answers in our shapes, over our own gRPC transport.
 * It must not know flannel's schema, and holds no algorithm: deadlines and retries are the transport's, the watcher is store/watcher.ts.
 */
import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { TsflannelError } from '../../errors.ts';
import { Event_EventType, type KeyValueSchema } from '../../etcd-client/gen/kv_pb.ts';
import {
  Compare_CompareTarget,
  type CompareSchema,
  type RangeRequestSchema,
  type RequestOpSchema,
  type StatusResponseSchema,
  type WatchResponseSchema,
} from '../../etcd-client/gen/rpc_pb.ts';
import { METHODS } from '../../etcd-client/methods.ts';
import { openTransport, type Transport } from '../../etcd-client/transport.ts';
import { bytesOf, keyRange, textOf } from '../keys.ts';
import {
  type Compare,
  isRevisionGone,
  type KeyValue,
  type Kv,
  type KvOptions,
  type MemberStatus,
  type Op,
  type RangeResult,
  type WatchEvent,
  type WatchFrame,
} from '../kv.ts';

const keyValue = (kv: MessageShape<typeof KeyValueSchema>): KeyValue => ({
  key: textOf(kv.key),
  value: textOf(kv.value),
  createRevision: kv.createRevision,
  modRevision: kv.modRevision,
  version: kv.version,
  lease: kv.lease,
});

function compareMessage(compare: Compare): MessageInitShape<typeof CompareSchema> {
  const key = bytesOf(compare.key);
  if (compare.target === 'lease')
    return { key, target: Compare_CompareTarget.Lease, targetUnion: { case: 'lease', value: compare.lease } };
  return compare.target === 'mod'
    ? { key, target: Compare_CompareTarget.Mod, targetUnion: { case: 'modRevision', value: compare.revision } }
    : { key, target: Compare_CompareTarget.Create, targetUnion: { case: 'createRevision', value: compare.revision } };
}

function opMessage(op: Op): MessageInitShape<typeof RequestOpSchema> {
  const key = bytesOf(op.key);
  if (op.op === 'delete') return { request: { case: 'requestDeleteRange', value: { key } } };
  return { request: { case: 'requestPut', value: { key, value: bytesOf(op.value), lease: op.lease ?? 0n } } };
}

function watchFrame(message: MessageShape<typeof WatchResponseSchema>): WatchFrame {
  const events = message.events.flatMap(({ type, kv }): WatchEvent[] => {
    if (!kv) return [];
    return type === Event_EventType.Delete
      ? [{ type: 'delete', key: textOf(kv.key), modRevision: kv.modRevision }]
      : [{ type: 'put', kv: keyValue(kv) }];
  });
  return {
    created: message.created,
    canceled: message.canceled,
    compactRevision: message.compactRevision,
    revision: message.header?.revision ?? 0n,
    clusterId: message.header?.clusterId ?? 0n,
    events,
  };
}

const memberStatus = (message: MessageShape<typeof StatusResponseSchema>): MemberStatus => ({
  memberId: message.header?.memberId ?? 0n,
  clusterId: message.header?.clusterId ?? 0n,
  leader: message.leader,
  version: message.version,
  dbSize: message.dbSize,
  dbSizeInUse: message.dbSizeInUse,
  revision: message.header?.revision ?? 0n,
  raftTerm: message.raftTerm,
  raftIndex: message.raftIndex,
});

/** Keys of one answer: a large cluster's list comes in several, so that none takes long to decode. */
const PAGE = 1_000;
/** Times that a list is begun anew because its revision was compacted meanwhile; then it is asked for whole. */
const TRIES = 3;

type RangeRequest = MessageInitShape<typeof RangeRequestSchema>;

async function rangeWhole(transport: Transport, request: RangeRequest): Promise<RangeResult> {
  const { header, kvs } = await transport.call(METHODS.range, request, { repeat: true });
  return { kvs: kvs.map(keyValue), revision: header?.revision ?? 0n, clusterId: header?.clusterId ?? 0n };
}

/** All pages at the revision of the first; what differs from a whole answer cannot be seen. */
async function rangeInPages(transport: Transport, request: RangeRequest): Promise<RangeResult> {
  const ask = (change: RangeRequest) => transport.call(METHODS.range, { ...request, ...change }, { repeat: true });
  let page = await ask({ limit: BigInt(PAGE) });
  const [revision, clusterId] = [page.header?.revision ?? 0n, page.header?.clusterId ?? 0n];
  const at = request.revision || revision;
  const all: KeyValue[] = [];
  for (;;) {
    const last = page.more ? page.kvs.at(-1) : undefined;
    // It comes while this one is taken apart.
    const next = last && ask({ limit: BigInt(PAGE), revision: at, key: new Uint8Array([...last.key, 0]) });
    for (const kv of page.kvs) all.push(keyValue(kv));
    if (!next) return { kvs: all, revision, clusterId };
    page = await next;
    if (page.header?.clusterId !== clusterId)
      throw new TsflannelError('ETCD_FAILED', { detail: 'another cluster answered in the middle of a list' });
  }
}

async function range(transport: Transport, request: RangeRequest): Promise<RangeResult> {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      return await rangeInPages(transport, request);
    } catch (error) {
      if (request.revision || !isRevisionGone(error)) throw error;
    }
  }
  return rangeWhole(transport, request);
}

const keyCalls = (transport: Transport): Pick<Kv, 'range' | 'txn'> => ({
  range(prefix, { exact = false, serializable = false, keysOnly = false, limit = 0, revision = 0n } = {}) {
    const request = { ...keyRange(prefix, exact), serializable, keysOnly, limit: BigInt(limit), revision };
    return exact || limit > 0 ? rangeWhole(transport, request) : range(transport, request);
  },
  async txn(compares, ops) {
    const request = { compare: compares.map(compareMessage), success: ops.map(opMessage) };
    const { succeeded, header } = await transport.call(METHODS.txn, request);
    return { succeeded, revision: header?.revision ?? 0n };
  },
});

/** Revoking what is gone is what the caller wanted. */
const isGone = (error: unknown): boolean =>
  error instanceof TsflannelError && error.code === 'ETCD_FAILED' && error.why.includes('lease not found');

const leaseCalls = (transport: Transport): Pick<Kv, 'grant' | 'keepAliveOnce' | 'revoke' | 'timeToLive'> => ({
  grant: async (ttlSeconds) => (await transport.call(METHODS.grant, { TTL: BigInt(ttlSeconds) })).ID,
  async keepAliveOnce(lease) {
    const { TTL } = await transport.call(METHODS.keepAlive, { ID: lease }, { repeat: true, stream: true });
    return Math.max(0, Number(TTL));
  },
  async revoke(lease) {
    try {
      await transport.call(METHODS.revoke, { ID: lease });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  },
  async timeToLive(lease) {
    const { TTL, grantedTTL } = await transport.call(METHODS.timeToLive, { ID: lease }, { repeat: true });
    return { left: Number(TTL), granted: Number(grantedTTL) };
  },
});

const watchCall = (transport: Transport): Pick<Kv, 'watchStream'> => ({
  watchStream(prefix, startRevision, onFrame, onEnd) {
    const create = { ...keyRange(prefix, false), startRevision, progressNotify: true };
    const request = { requestUnion: { case: 'createRequest' as const, value: create } };
    return transport.stream(METHODS.watch, request, {
      message(message) {
        const frame = watchFrame(message);
        if (frame.canceled && frame.compactRevision === 0n) return message.cancelReason || 'the watch was canceled';
        onFrame(frame);
        return undefined;
      },
      end: onEnd,
    });
  },
});

const clusterCalls = (transport: Transport): Pick<Kv, 'members' | 'status'> => ({
  async members() {
    const { members } = await transport.call(METHODS.members, {}, { repeat: true });
    return members.map(({ ID, name, peerURLs, clientURLs, isLearner }) => ({
      id: ID,
      name,
      peerUrls: peerURLs,
      clientUrls: clientURLs,
      isLearner,
    }));
  },
  status: async () => memberStatus(await transport.call(METHODS.status, {}, { repeat: true })),
});

/** Kv over gRPC. Connects at the first call. Throws USAGE or ETCD_TLS when the options are not usable. */
export function openGrpcKv(options: KvOptions): Kv {
  const transport = openTransport(options);
  return {
    ...keyCalls(transport),
    ...leaseCalls(transport),
    ...watchCall(transport),
    ...clusterCalls(transport),
    reconnect: () => transport.reconnect(),
    close: () => transport.close(),
  };
}
