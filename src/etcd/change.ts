import { setTimeout as sleep } from 'node:timers/promises';
import { TsflannelError } from '../errors.ts';
import { type Endpoint, parseEndpoint, printEndpoint } from '../model/endpoint.ts';
import { NODE_NAME } from '../model/lease.ts';
import type { Admin } from '../store/admin.ts';
import type { KvOptions } from '../store/kv.ts';
import { type CareParts, refuseUnsafe } from './care.ts';
import { findMember, whyNotAdd, whyNotRemove, whyNotReplace } from './guards.ts';
import { type ClusterStatus, type MemberRow, readCluster } from './members.ts';

/** Opens a client for changes of the cluster itself. */
export type OpenAdmin = (options: KvOptions) => Promise<Admin>;

export type ChangeParts = CareParts & { readonly openAdmin: OpenAdmin };

/** A member that is to come. */
export interface Newcomer {
  readonly name: string;
  readonly peerUrl: Endpoint;
  readonly learner: boolean;
}

/** Checks a newcomer's name and URL. Throws USAGE. */
export function newcomer(name: string, url: string, learner: boolean): Newcomer {
  if (!NODE_NAME.test(name))
    throw new TsflannelError('USAGE', { detail: 'letters, digits, dot, dash and underscore make a name' });
  const peerUrl = parseEndpoint(url, '--peer-url', 2380);
  if (!peerUrl.ok) throw new TsflannelError('USAGE', { detail: `--peer-url: ${peerUrl.rejection.detail}` });
  return { name, peerUrl: peerUrl.value, learner };
}

async function withAdmin<T>(parts: ChangeParts, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = await parts.openAdmin(parts.kv);
  try {
    return await use(admin);
  } finally {
    admin.close();
  }
}

/** A member that was added; `changed` false: it was there already. */
export interface Added {
  /** Absent in a dry run, and where etcd did not say it. */
  readonly id?: bigint | undefined;
  readonly changed: boolean;
  /** All members with the new one, as etcd's `--initial-cluster`. */
  readonly initialCluster: string;
}

const listOf = (cluster: ClusterStatus, { name, peerUrl }: Newcomer): string =>
  [
    ...cluster.rows
      .filter((row) => !row.peerUrls.includes(printEndpoint(peerUrl)))
      .flatMap((row) => row.peerUrls.map((url) => `${row.name || row.id.toString(16)}=${url}`)),
    `${name}=${printEndpoint(peerUrl)}`,
  ].join(',');

/** How long a change is tried again; one that is lost costs as long as the deadline of a call. */
const SETTLE_MS = 15_000;

/** What etcd refuses a change with that is made already. */
export const MADE = {
  added: /peer urls already exists/i,
  removed: /member not found/,
  promoted: /can only promote a learner/,
} as const;

/** A change of the members, which etcd makes at most once however often it is asked for. */
interface Step<T> {
  make(): Promise<T>;
  readonly made: RegExp;
  /** What `make` would have resolved to. */
  already(): Promise<T>;
}

/**
 * etcd changes its members only when all others have been connected to each other for five seconds, and never answers a change that was
 * sent to a leader that died: nobody knows then whether it is made, which the next try tells.
 */
async function settled<T>({ make, made, already }: Step<T>): Promise<T> {
  const end = performance.now() + SETTLE_MS;
  let unanswered = false;
  for (;;) {
    try {
      return await make();
    } catch (error) {
      if (!(error instanceof TsflannelError)) throw error;
      if (unanswered && made.test(error.why)) return already();
      const isLost = error.code === 'ETCD_TIMEOUT' || error.code === 'ETCD_NO_QUORUM';
      if (!(isLost || /unhealthy cluster/.test(error.why)) || performance.now() > end) throw error;
      unanswered ||= isLost;
    }
    await sleep(500);
  }
}

const add = (parts: ChangeParts, admin: Admin, { peerUrl, learner }: Newcomer): Promise<bigint | undefined> => {
  const url = printEndpoint(peerUrl);
  return settled({
    make: () => admin.addMember([url], { learner }),
    made: MADE.added,
    already: async () =>
      (await readCluster(parts.openKv, parts.kv)).rows.find(({ peerUrls }) => peerUrls.includes(url))?.id,
  });
};

const remove = (admin: Admin, { id }: MemberRow): Promise<void> =>
  settled({ make: () => admin.removeMember(id), made: MADE.removed, already: () => Promise.resolve() });

const promote = (admin: Admin, { id }: MemberRow): Promise<void> =>
  settled({ make: () => admin.promoteMember(id), made: MADE.promoted, already: () => Promise.resolve() });

/** How a change is made: in spite of the guards, or not at all but for the checks. */
export interface How {
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** Adds a member, unless it has been added and not started. Rejects with ETCD_UNSAFE unless `force`, and with USAGE for a name in use. */
export async function addMember(parts: ChangeParts, member: Newcomer, how: How): Promise<Added> {
  const cluster = await readCluster(parts.openKv, parts.kv);
  const initialCluster = listOf(cluster, member);
  const there = cluster.rows.find((row) => row.peerUrls.includes(printEndpoint(member.peerUrl)));
  if (there && (there.status === 'not started' || there.name === member.name))
    return { id: there.id, changed: false, initialCluster };
  const namesake = there ?? cluster.rows.find((row) => row.name === member.name);
  if (namesake)
    throw new TsflannelError('USAGE', {
      detail: `${namesake.name} (${namesake.peerUrls.join(', ')}) is a member already`,
    });
  refuseUnsafe(whyNotAdd(cluster, member.learner), how.force);
  if (how.dryRun) return { changed: true, initialCluster };
  const id = await withAdmin(parts, (admin) => add(parts, admin, member));
  return { id, changed: true, initialCluster };
}

/** The member a command is about, with the guard of what is to be done to it. */
export interface Target {
  readonly cluster: ClusterStatus;
  readonly row: MemberRow;
}

/** Looks a member up. Rejects with ETCD_MEMBER_UNKNOWN; with ETCD_UNSAFE unless `force`. */
export async function target(
  parts: ChangeParts,
  text: string,
  how: { readonly to: 'remove' | 'replace'; readonly force: boolean },
): Promise<Target> {
  const cluster = await readCluster(parts.openKv, parts.kv);
  const row = findMember(cluster, text);
  const guard = how.to === 'remove' ? whyNotRemove : whyNotReplace;
  refuseUnsafe(guard(cluster, row), how.force);
  return { cluster, row };
}

export const removeMember = (parts: ChangeParts, { row }: Target): Promise<void> =>
  withAdmin(parts, (admin) => remove(admin, row));

/** Removes a dead member and adds its successor as a learner. */
export async function replaceMember(parts: ChangeParts, { cluster, row }: Target, member: Newcomer): Promise<Added> {
  const others = { ...cluster, rows: cluster.rows.filter(({ id }) => id !== row.id) };
  return withAdmin(parts, async (admin) => {
    await remove(admin, row);
    const id = await add(parts, admin, member);
    return { id, changed: true, initialCluster: listOf(others, member) };
  });
}

/** Makes a learner a voting member; resolves to whether it was one. Rejects with ETCD_FAILED while it has not caught up. */
export async function promoteMember(
  parts: ChangeParts,
  text: string,
  dryRun: boolean,
): Promise<{ readonly row: MemberRow; readonly changed: boolean }> {
  const row = findMember(await readCluster(parts.openKv, parts.kv), text);
  if (row.isLearner && !dryRun) await withAdmin(parts, (admin) => promote(admin, row));
  return { row, changed: row.isLearner };
}

/** What to type on the new host, for people. */
export function nextSteps(member: Newcomer, { initialCluster }: Added): readonly string[] {
  const { name, peerUrl, learner } = member;
  const client = `http${peerUrl.secure ? 's' : ''}://${peerUrl.host}:2379`;
  const peer = printEndpoint(peerUrl);
  const tls = peerUrl.secure
    ? [
        '   with --cert-file, --key-file, --trusted-ca-file and their --peer- twins; or take it out again (tsflannel etcd member remove)',
        "   and let it come in by itself, with certificates: 'tsflannel token create' here, 'tsflannel join TOKEN' there",
      ]
    : [];
  return [
    `start it on its host, with an empty data dir:`,
    `   etcd --name ${name} --data-dir /var/lib/etcd/${name} --initial-cluster-state existing \\`,
    `     --initial-cluster ${initialCluster} \\`,
    `     --listen-peer-urls ${peer} --initial-advertise-peer-urls ${peer} \\`,
    `     --listen-client-urls ${client},http${peerUrl.secure ? 's' : ''}://127.0.0.1:2379 --advertise-client-urls ${client}`,
    ...tls,
    ...(learner ? [`then let it vote: tsflannel etcd member promote ${name}`] : []),
  ];
}
