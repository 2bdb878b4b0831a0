import { printable } from '../model/parsed.ts';
import { type Health, memberName } from './care.ts';
import { clusterData, MEMBER_HEADS, memberCells, size } from './members.ts';

/** Heads of the table of `etcd status`: the member table, and how each member's store stands. */
export const HEALTH_HEADS = [...MEMBER_HEADS, 'in use', 'revision', 'behind'] as const;

const newest = ({ cluster }: Health): bigint =>
  cluster.rows.reduce((most, { revision = 0n }) => (revision > most ? revision : most), 0n);

/** Cells of the table; `behind` is how many revisions a member lags behind the newest seen. */
export function healthCells(health: Health): readonly (readonly string[])[] {
  const { rows } = health.cluster;
  const cells = memberCells(health.cluster);
  const last = newest(health);
  return rows.map(({ dbSizeInUse, revision }, index) => [
    ...(cells[index] ?? []),
    dbSizeInUse === undefined ? '-' : size(dbSizeInUse),
    revision === undefined ? '-' : String(revision),
    revision === undefined ? '-' : String(last - revision),
  ]);
}

const HELP = {
  nospace:
    'its database is at the quota: etcd refuses all writes. Try etcd compact, etcd defrag, then etcd alarm disarm',
  corrupt: 'its data differs from that of the other members. Replace the member: etcd member replace',
  unknown: 'an alarm this version does not know',
} as const;

/** One line for each alarm. */
export const alarmLines = ({ alarms = [], cluster }: Health): readonly string[] =>
  alarms.map(({ memberId, kind }) => `alarm ${kind} of ${printable(memberName(cluster, memberId))}: ${HELP[kind]}`);

/** The alarms for `--json`. */
export const alarmData = ({ alarms = [], cluster }: Health): readonly Record<string, string>[] =>
  alarms.map(({ memberId, kind }) => ({ member: memberId.toString(16), name: memberName(cluster, memberId), kind }));

/** All of it for `--json`. */
export const healthData = (health: Health): Record<string, unknown> => ({
  healthy: health.healthy,
  ...clusterData(health.cluster),
  newestRevision: newest(health),
  alarms: health.alarms ? alarmData(health) : null,
});
