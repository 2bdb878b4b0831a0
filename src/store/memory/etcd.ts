/**
 * store/memory/ knows how an etcd of one member behaves towards its clients, without etcd: revisions, leases, compaction, watch streams,
 * and the faults that tests need. It must not know flannel's schema. It is trusted because it passes the same contract suite as etcd.
 */
import { TsflannelError } from '../../errors.ts';
import type { Clock } from '../../model/clock.ts';
import type { Compare, Kv, MemberStatus, Op, WatchFrame, WatchStream } from '../kv.ts';
import { createData, type Data, refusal } from './data.ts';
import { createLeases, type Leases } from './leases.ts';
import { createStreams, frameOf, type Header, type StreamRequest, type Streams } from './streams.ts';

/** The store, and what can happen to it. */
export interface MemoryEtcd {
  /** One more client. */
  client(): Kv;
  revision(): bigint;
  /** History before this revision is forgotten. */
  compact(revision: bigint): void;
  /** All watch streams end as if their connection broke. */
  cutStreams(): void;
  /** Events are kept back, as on a slow link; `resumeStreams` lets them go. */
  pauseStreams(): void;
  resumeStreams(): void;
  openStreams(): number;
  /** False: calls fail with ETCD_UNREACHABLE and streams are cut; leases run on. */
  setUp(up: boolean): void;
  /** The next `count` writes happen, but their callers see ETCD_TIMEOUT. */
  loseAnswers(count: number): void;
  /** The lease runs out now. */
  expire(lease: bigint): void;
  /**
   * Another, empty store in the same place: revisions begin anew, leases are gone, streams are cut. etcd makes the cluster's id from the
   * members' addresses and the token: a wiped one may have the same.
   */
  wipe(options?: Place): void;
  /** What a snapshot of now holds: calling it puts that in the place of the store, with the revisions and leases (given new time) of now. */
  backup(): (options?: Place) => void;
}

/** Whether a store in the place of another has its cluster id. */
interface Place {
  readonly sameCluster?: boolean;
}

const MEMBER = 1n;

interface Server {
  data: Data;
  clusterId: bigint;
  up: boolean;
  lostAnswers: number;
  readonly streams: Streams;
  readonly leases: Leases;
}

const header = (server: Server): Header => ({ revision: server.data.revision(), clusterId: server.clusterId });

function write(server: Server, ops: readonly Op[], compares: readonly Compare[] = []): boolean {
  const before = server.data.revision();
  const done = server.data.txn(compares, ops);
  for (const change of server.data.since(before + 1n)) server.streams.publish(change, header(server));
  return done;
}

function dropKeys(server: Server, lease: bigint): void {
  const keys = server.data.find('').filter((kv) => kv.lease === lease);
  write(
    server,
    keys.map(({ key }) => ({ op: 'delete', key })),
  );
}

function endLease(server: Server, lease: bigint): void {
  if (server.leases.drop(lease)) dropKeys(server, lease);
}

/** Runs one call as a client sees it: later, and not at all while the server is down. */
async function serve<T>(server: Server, work: () => T): Promise<T> {
  await Promise.resolve();
  if (!server.up) throw new TsflannelError('ETCD_UNREACHABLE', { endpoints: 'memory', detail: 'the server is down' });
  return work();
}

/** A call whose answer may get lost after it was done. */
async function serveWrite<T>(server: Server, work: () => T): Promise<T> {
  const result = await serve(server, work);
  if (server.lostAnswers === 0) return result;
  server.lostAnswers--;
  throw new TsflannelError('ETCD_TIMEOUT', { endpoints: 'memory', detail: 'the answer was lost' });
}

const keyCalls = (server: Server): Pick<Kv, 'range' | 'txn'> => ({
  range: (prefix, { exact = false, keysOnly = false, limit = 0, revision } = {}) =>
    serve(server, () => {
      const one = exact ? server.data.get(prefix, revision) : undefined;
      const found = exact ? (one ? [one] : []) : server.data.find(prefix, revision);
      const kvs = limit > 0 ? found.slice(0, limit) : found;
      return { kvs: keysOnly ? kvs.map((kv) => ({ ...kv, value: '' })) : kvs, ...header(server) };
    }),
  txn: (compares, ops) =>
    serveWrite(server, () => {
      const named = ops.flatMap((op) => (op.op === 'put' && op.lease ? [op.lease] : []));
      if (!named.every((lease) => server.leases.exists(lease))) throw refusal('requested lease not found');
      return { succeeded: write(server, ops, compares), revision: server.data.revision() };
    }),
});

const leaseCalls = (server: Server): Pick<Kv, 'grant' | 'keepAliveOnce' | 'revoke' | 'timeToLive'> => ({
  grant: (ttlSeconds) => serveWrite(server, () => server.leases.grant(ttlSeconds)),
  keepAliveOnce: (lease) => serve(server, () => server.leases.renew(lease)),
  revoke: (lease) => serveWrite(server, () => endLease(server, lease)),
  timeToLive: (lease) => serve(server, () => server.leases.left(lease)),
});

/** What etcd sends first: that the watch was created, then the history asked for, or that it is gone. */
function firstFrames(server: Server, { prefix, from }: StreamRequest): WatchFrame[] {
  const created = { created: true, canceled: false, compactRevision: 0n, ...header(server), events: [] };
  const compactRevision = server.data.compacted();
  if (from < compactRevision) return [created, { ...created, created: false, canceled: true, compactRevision }];
  return [created, ...server.data.since(from).flatMap((change) => frameOf(change, header(server), prefix) ?? [])];
}

function openStream(server: Server, request: StreamRequest): WatchStream {
  const from = request.from === 0n ? server.data.revision() + 1n : request.from;
  const positioned = { ...request, from };
  const stream = server.streams.open(positioned, server.up ? firstFrames(server, positioned) : []);
  if (!server.up) queueMicrotask(() => server.streams.cut());
  return stream;
}

const statusOf = (server: Server): MemberStatus => ({
  memberId: MEMBER,
  clusterId: server.clusterId,
  leader: MEMBER,
  version: 'memory',
  dbSize: 0n,
  dbSizeInUse: 0n,
  revision: server.data.revision(),
  raftTerm: 1n,
  raftIndex: server.data.revision(),
});

function createClient(server: Server): Kv {
  const open = new Set<WatchStream>();
  return {
    ...keyCalls(server),
    ...leaseCalls(server),
    watchStream(prefix, from, onFrame, onEnd) {
      const stream = openStream(server, { prefix, from, onFrame, onEnd });
      open.add(stream);
      return stream;
    },
    members: () =>
      serve(server, () => [{ id: MEMBER, name: 'memory', peerUrls: [], clientUrls: [], isLearner: false }]),
    status: () => serve(server, () => statusOf(server)),
    close() {
      for (const stream of open) stream.close();
    },
  };
}

function replace(server: Server, data: Data, { sameCluster = false }: Place): void {
  server.data = data;
  if (!sameCluster) server.clusterId += 1n;
  server.streams.cut();
}

function backup(server: Server): (options?: Place) => void {
  const data = server.data.copy();
  const leases = server.leases.all();
  return (options = {}) => {
    server.leases.restore(leases);
    replace(server, data.copy(), options);
  };
}

/** An empty store on this clock. */
export function createMemoryEtcd(clock: Clock): MemoryEtcd {
  const streams = createStreams();
  const leases = createLeases(clock, (lease) => dropKeys(server, lease));
  const server: Server = { data: createData(), clusterId: 100n, up: true, lostAnswers: 0, streams, leases };
  return {
    client: () => createClient(server),
    revision: () => server.data.revision(),
    compact: (revision) => server.data.compact(revision),
    cutStreams: () => streams.cut(),
    pauseStreams: () => streams.pause(),
    resumeStreams: () => streams.resume(),
    openStreams: () => streams.count(),
    setUp(up) {
      server.up = up;
      if (!up) streams.cut();
    },
    loseAnswers(count) {
      server.lostAnswers = count;
    },
    expire: (lease) => endLease(server, lease),
    wipe(options = {}) {
      leases.clear();
      replace(server, createData(), options);
    },
    backup: () => backup(server),
  };
}
