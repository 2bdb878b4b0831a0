import { TsflannelError } from '../errors.ts';
import type { KvOptions } from '../store/kv.ts';
import type { Alarm, Maintenance } from '../store/maintenance.ts';
import { type ClusterStatus, type MemberRow, type OpenKv, readCluster, withKv } from './members.ts';

/** Opens a client for maintenance; etcd/ gets it from the command, as OpenKv. */
export type OpenMaintenance = (options: KvOptions) => Promise<Maintenance>;

/** How the cluster is reached. */
export interface CareParts {
  readonly openKv: OpenKv;
  readonly openMaintenance: OpenMaintenance;
  readonly kv: KvOptions;
  readonly notice: (line: string) => void;
}

/** Compaction and defragmentation of a big database take minutes. */
const LONG_MS = 600_000;

/** Opens a client for one use; `change` names another member or deadline. */
export async function withMaintenance<T>(
  parts: CareParts,
  change: Partial<KvOptions>,
  use: (maintenance: Maintenance) => Promise<T>,
): Promise<T> {
  const maintenance = await parts.openMaintenance({ ...parts.kv, ...change });
  try {
    return await use(maintenance);
  } finally {
    maintenance.close();
  }
}

/** What a cluster shows of its health. */
export interface Health {
  readonly cluster: ClusterStatus;
  /** Absent: they cannot be asked for, there is no leader. */
  readonly alarms?: readonly Alarm[];
  /** All members are healthy and there is no alarm. */
  readonly healthy: boolean;
}

/** Members, leader and alarms. Rejects as readCluster. */
export async function readHealth(parts: CareParts): Promise<Health> {
  const cluster = await readCluster(parts.openKv, parts.kv);
  const asked = cluster.leader !== 0n;
  const alarms = asked
    ? await withMaintenance(parts, {}, (maintenance) => maintenance.alarms()).catch(() => undefined)
    : undefined;
  const healthy = cluster.rows.every((row) => row.status === 'healthy') && (alarms ?? []).length === 0;
  return { cluster, healthy, ...(alarms && { alarms }) };
}

/** The member's name, or its id where it has none. */
export const memberName = (cluster: ClusterStatus, id: bigint): string =>
  cluster.rows.find((row) => row.id === id)?.name || id.toString(16);

/** Rejects with ETCD_UNSAFE unless somebody insists. */
export function refuseUnsafe(detail: string | undefined, force: boolean): void {
  if (detail !== undefined && !force) throw new TsflannelError('ETCD_UNSAFE', { detail });
}

/** How a member's database changed; bytes. */
export interface Defragmented {
  readonly name: string;
  readonly before: bigint;
  /** In a dry run what is in use: it would be about that. */
  readonly after: bigint;
}

const atMember = (row: MemberRow) => ({ endpoints: row.clientUrls });

async function defragmentOne(parts: CareParts, row: MemberRow): Promise<Defragmented> {
  parts.notice(`defragmenting ${row.name}`);
  await withMaintenance(parts, { ...atMember(row), timeoutMs: LONG_MS }, (one) => one.defragment());
  const { dbSize } = await withKv(parts.openKv, { ...parts.kv, ...atMember(row) }, (kv) => kv.status());
  return { name: row.name, before: row.dbSize ?? 0n, after: dbSize };
}

/**
 * Defragments the members one by one, the leader last: each is deaf meanwhile. `only` is the name of one member. Rejects with ETCD_UNSAFE
 * where another member is not healthy, unless `force`.
 */
export async function defragment(
  parts: CareParts,
  how: { readonly only?: string; readonly force: boolean; readonly dryRun: boolean },
): Promise<readonly Defragmented[]> {
  const { rows } = await readCluster(parts.openKv, parts.kv);
  const wanted = rows.filter((row) => how.only === undefined || row.name === how.only);
  if (wanted.length === 0)
    throw new TsflannelError('ETCD_MEMBER_UNKNOWN', { name: how.only ?? '', detail: names(rows) });
  const ill = rows.find((row) => row.status !== 'healthy' && row.status !== 'learner');
  refuseUnsafe(
    ill && `${ill.name || ill.id.toString(16)} is ${ill.status}, and each member is deaf while it is defragmented`,
    how.force,
  );
  const done: Defragmented[] = [];
  const reached = wanted.filter((row) => row.dbSize !== undefined);
  for (const row of reached.sort((a, b) => Number(a.isLeader) - Number(b.isLeader))) {
    const { name, dbSize: before = 0n, dbSizeInUse: after = 0n } = row;
    done.push(how.dryRun ? { name, before, after } : await defragmentOne(parts, row));
  }
  return done;
}

const names = (rows: readonly MemberRow[]): string => rows.map((row) => row.name || row.id.toString(16)).join(', ');

/** Compacts up to `revision`, else up to now; resolves to that revision. Rejects with USAGE for one that is not there yet. */
export async function compact(parts: CareParts, revision: bigint | undefined, dryRun: boolean): Promise<bigint> {
  const now = (await withKv(parts.openKv, parts.kv, (kv) => kv.range('/', { exact: true, limit: 1 }))).revision;
  if (revision !== undefined && revision > now)
    throw new TsflannelError('USAGE', { detail: `--revision ${revision}: the newest is ${now}` });
  if (dryRun) return revision ?? now;
  await withMaintenance(parts, { timeoutMs: LONG_MS }, (maintenance) => maintenance.compact(revision ?? now));
  return revision ?? now;
}

/** Disarms what is armed; resolves to it. A `corrupt` alarm says that members disagree: rejects with ETCD_UNSAFE unless `force`. */
export async function disarm(
  parts: CareParts,
  { force, dryRun }: { readonly force: boolean; readonly dryRun: boolean },
): Promise<readonly Alarm[]> {
  return withMaintenance(parts, {}, async (maintenance) => {
    const alarms = await maintenance.alarms();
    const corrupt = alarms.find(({ kind }) => kind === 'corrupt');
    refuseUnsafe(corrupt && `member ${corrupt.memberId.toString(16)} holds data that differs from the others'`, force);
    for (const alarm of dryRun ? [] : alarms) await maintenance.disarm(alarm);
    return alarms;
  });
}
