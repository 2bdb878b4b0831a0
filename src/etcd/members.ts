import { asTsflannelError } from '../errors.ts';
import { printable } from '../model/parsed.ts';
import type { Kv, KvOptions, MemberInfo, MemberStatus } from '../store/kv.ts';

/** Opens a client; etcd/ gets it from the command, so that it knows no implementation. */
export type OpenKv = (options: KvOptions) => Promise<Kv>;

/** How clients reach the cluster, without the endpoints. */
export type Access = Omit<KvOptions, 'endpoints'>;

export type MemberHealth = 'healthy' | 'no leader' | 'learner' | 'not started' | 'unreachable';

/** One member as the table shows it; ids are 64-bit numbers. */
export interface MemberRow {
  readonly name: string;
  readonly id: bigint;
  readonly clientUrls: readonly string[];
  readonly peerUrls: readonly string[];
  readonly status: MemberHealth;
  readonly isLeader: boolean;
  /** It has no vote. */
  readonly isLearner: boolean;
  readonly version?: string;
  /** Bytes of the file, and of what of it is in use. */
  readonly dbSize?: bigint;
  readonly dbSizeInUse?: bigint;
  /** Revision of its store. */
  readonly revision?: bigint;
  /** Why it could not be asked. */
  readonly trouble?: string;
}

export interface ClusterStatus {
  readonly clusterId: bigint;
  /** Id of the leader, 0n when there is none. */
  readonly leader: bigint;
  readonly rows: readonly MemberRow[];
}

/** A status call must say quickly that a member does not answer. */
const ASK_MS = 2000;

/** Opens a client for one use. */
export async function withKv<T>(open: OpenKv, options: KvOptions, use: (kv: Kv) => Promise<T>): Promise<T> {
  const kv = await open(options);
  try {
    return await use(kv);
  } finally {
    kv.close();
  }
}

/** A member's own answer, or why there is none. */
type Asked = { readonly status?: MemberStatus; readonly trouble?: string };

async function statusOf(open: OpenKv, access: Access, urls: readonly string[]): Promise<Asked> {
  if (urls.length === 0) return {};
  const timeoutMs = Math.min(access.timeoutMs, ASK_MS);
  return withKv(open, { ...access, timeoutMs, endpoints: urls }, (kv) => kv.status()).then(
    (status) => ({ status }),
    (error: unknown) => ({ trouble: asTsflannelError(error).why }),
  );
}

function healthOf(info: MemberInfo, status: MemberStatus | undefined): MemberHealth {
  // A member is in the list from the moment it is meant to be; it has a name and client URLs once it has run.
  if (info.clientUrls.length === 0) return 'not started';
  if (!status) return 'unreachable';
  if (status.leader === 0n) return 'no leader';
  return info.isLearner ? 'learner' : 'healthy';
}

function rowOf(info: MemberInfo, { status, trouble }: Asked): MemberRow {
  const seen = status && {
    version: status.version,
    ...{ dbSize: status.dbSize, dbSizeInUse: status.dbSizeInUse, revision: status.revision },
  };
  const isLeader = status !== undefined && status.leader === info.id;
  const { name, id, clientUrls, peerUrls, isLearner } = info;
  return {
    name,
    id,
    clientUrls,
    peerUrls,
    status: healthOf(info, status),
    isLeader,
    isLearner,
    ...seen,
    ...(trouble !== undefined && { trouble }),
  };
}

/**
 * Members of the cluster behind these endpoints, each asked itself. Rejects with ETCD_UNREACHABLE, ETCD_TIMEOUT, ETCD_NO_QUORUM,
 * ETCD_AUTH or ETCD_TLS when not even the list of members can be had.
 */
export async function readCluster(open: OpenKv, options: KvOptions): Promise<ClusterStatus> {
  const infos = await withKv(open, options, (kv) => kv.members());
  const asked = await Promise.all(infos.map((info) => statusOf(open, options, info.clientUrls)));
  const rows = infos.map((info, index) => rowOf(info, asked[index] ?? {}));
  const known = asked.map(({ status }) => status).find((status) => status !== undefined && status.leader !== 0n);
  return {
    clusterId: known?.clusterId ?? 0n,
    leader: known?.leader ?? 0n,
    rows: rows.sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** Whether the member at these endpoints has a leader and can read what the majority agreed on; the reason where not. */
export async function whyNotHealthy(open: OpenKv, options: KvOptions): Promise<string | undefined> {
  try {
    return await withKv(open, options, async (kv) => {
      if ((await kv.status()).leader === 0n) return 'no leader yet';
      await kv.range('/', { exact: true, limit: 1, keysOnly: true });
      return undefined;
    });
  } catch (error) {
    const ours = asTsflannelError(error);
    // etcd asks who may read only after it knows what the majority agreed on.
    if (ours.code === 'ETCD_AUTH') return undefined;
    return `${ours.message}: ${ours.why}`;
  }
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes as people say them. */
export function size(bytes: bigint): string {
  let value = Number(bytes);
  let unit = 0;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${value >= 100 || unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Heads and cells of the member table; ids in hexadecimal, as etcdctl prints them. */
export const MEMBER_HEADS = ['name', 'id', 'client url', 'peer url', 'status', 'leader', 'version', 'db size'] as const;

const cellsOf = (row: MemberRow): readonly string[] => [
  printable(row.name) || '-',
  row.id.toString(16),
  row.clientUrls.map(printable).join(',') || '-',
  row.peerUrls.map(printable).join(',') || '-',
  row.status,
  row.isLeader ? 'yes' : '-',
  row.version === undefined ? '-' : printable(row.version),
  row.dbSize === undefined ? '-' : size(row.dbSize),
];

export const memberCells = (cluster: ClusterStatus): readonly (readonly string[])[] => cluster.rows.map(cellsOf);

/** The cluster for `--json`; ids are hexadecimal text. */
export const clusterData = (cluster: ClusterStatus): Record<string, unknown> => ({
  clusterId: cluster.clusterId.toString(16),
  leader: cluster.leader === 0n ? null : cluster.leader.toString(16),
  members: cluster.rows.map((row) => ({ ...row, id: row.id.toString(16) })),
});
