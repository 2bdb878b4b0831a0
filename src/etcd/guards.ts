import { TsflannelError } from '../errors.ts';
import type { ClusterStatus, MemberRow } from './members.ts';

/** What would endanger a cluster when its members change: pure, from what was seen. A text is the reason why not. */
export type Reason = string | undefined;

const nameOf = (row: MemberRow): string => row.name || row.id.toString(16);

const voters = ({ rows }: ClusterStatus): readonly MemberRow[] => rows.filter((row) => !row.isLearner);
const up = (rows: readonly MemberRow[]): number => rows.filter((row) => row.status === 'healthy').length;

/** How many of `count` voting members must be up. */
export const quorum = (count: number): number => Math.floor(count / 2) + 1;

const tooFew = (count: number, living: number): Reason =>
  living < quorum(count) ? `${living} of ${count} voting members would be up, ${quorum(count)} are needed` : undefined;

/** The member of this name, hexadecimal id or peer URL. Throws ETCD_MEMBER_UNKNOWN, or USAGE where several have the name. */
export function findMember({ rows }: ClusterStatus, text: string): MemberRow {
  const found = rows.filter(
    (row) =>
      (text !== '' && row.name === text) || row.id.toString(16) === text.toLowerCase() || row.peerUrls.includes(text),
  );
  if (found.length > 1)
    throw new TsflannelError('USAGE', { detail: `${text} is the name of several members; pass the id` });
  const detail = rows.map((row) => `${nameOf(row)} (${row.id.toString(16)})`).join(', ');
  if (!found[0]) throw new TsflannelError('ETCD_MEMBER_UNKNOWN', { name: text, detail });
  return found[0];
}

/** One change at a time: what was begun before has to be finished first. */
function unfinished({ rows }: ClusterStatus): Reason {
  const waiting = rows.find((row) => row.status === 'not started');
  if (waiting) return `${waiting.peerUrls.join(', ')} was added and has not started yet; start it, or remove it`;
  const learner = rows.find((row) => row.isLearner);
  return learner && `${nameOf(learner)} is a learner still: tsflannel etcd member promote ${nameOf(learner)}`;
}

/** Why no member should be added. A voter counts at once, and is down until it starts; a learner does not count. */
export function whyNotAdd(cluster: ClusterStatus, learner: boolean): Reason {
  const all = voters(cluster);
  const ill = all.find((row) => row.status !== 'healthy' && row.status !== 'not started');
  if (ill) return `${nameOf(ill)} is ${ill.status}; start it again, or replace it, first`;
  return unfinished(cluster) ?? (learner ? undefined : tooFew(all.length + 1, up(all)));
}

/** Why this member should not be removed. */
export function whyNotRemove(cluster: ClusterStatus, row: MemberRow): Reason {
  if (row.isLearner) return undefined;
  const rest = voters(cluster).filter(({ id }) => id !== row.id);
  return rest.length === 0 ? `${nameOf(row)} is the last member` : tooFew(rest.length, up(rest));
}

/** Why this member should not be replaced by another one. */
export function whyNotReplace(cluster: ClusterStatus, row: MemberRow): Reason {
  if (row.status === 'healthy') return `${nameOf(row)} is healthy`;
  const others = { ...cluster, rows: cluster.rows.filter(({ id }) => id !== row.id) };
  return whyNotRemove(cluster, row) ?? whyNotAdd(others, true);
}
