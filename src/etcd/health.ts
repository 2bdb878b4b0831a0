import { duration } from '../model/duration.ts';
import { printable } from '../model/parsed.ts';
import { type Health, memberName } from './care.ts';
import type { Certs, CertTime, LocalCert } from './certs.ts';
import { clockDiffers } from './host-clock.ts';
import { clusterData, MEMBER_HEADS, memberCells, size } from './members.ts';

/** Heads of the table of `etcd status`: the member table, how each member's store stands, when its certificate ends, who has the CA key. */
export const HEALTH_HEADS = [...MEMBER_HEADS, 'in use', 'revision', 'behind', 'certificate', 'signs'] as const;

/** A certificate whose renewal is overdue: it is made anew when a third of its time is left. */
const isLate = ({ from, to }: CertTime, now: number): boolean => to - now < (to - from) / 4;

/** What is left of a certificate's time. */
function left({ from, to }: CertTime, now: number): string {
  if (now > to) return `expired ${duration((now - to) / 1000)} ago`;
  return now < from ? `not valid for ${duration((from - now) / 1000)} yet` : duration((to - now) / 1000);
}

const newest = ({ cluster }: Health): bigint =>
  cluster.rows.reduce((most, { revision = 0n }) => (revision > most ? revision : most), 0n);

/** Cells of the table; `behind` is how many revisions a member lags behind the newest seen. */
export function healthCells(health: Health, certs: Certs, now = Date.now()): readonly (readonly string[])[] {
  const { rows } = health.cluster;
  const cells = memberCells(health.cluster);
  const last = newest(health);
  return rows.map(({ id, dbSizeInUse, revision }, index) => {
    const { server, signs } = certs.members.get(id) ?? {};
    return [
      ...(cells[index] ?? []),
      dbSizeInUse === undefined ? '-' : size(dbSizeInUse),
      revision === undefined ? '-' : String(revision),
      revision === undefined ? '-' : String(last - revision),
      server ? left(server, now) : '-',
      signs === undefined ? '-' : signs ? 'yes' : 'no',
    ];
  });
}

/** Why members do not answer, a line each. */
export const troubleLines = ({ cluster }: Health): readonly string[] =>
  cluster.rows.flatMap(({ name, trouble }) =>
    trouble === undefined ? [] : [`${printable(name) || '-'} does not answer: ${trouble}`],
  );

/** Whose clock is not this host's, a line each. */
export const clockLines = ({ cluster }: Health, certs: Certs): readonly string[] =>
  cluster.rows.flatMap(({ id, name }) => {
    const differs = clockDiffers(certs.members.get(id)?.clockAhead, printable(name) || id.toString(16));
    return differs === undefined ? [] : [`warning: ${differs}: look at both hosts' clocks (timedatectl status)`];
  });

const LATE = "its renewal is overdue, the member's log says why";

/** When the certificates of this host end, and whose renewal is overdue. */
export function certLines({ cluster }: Health, certs: Certs, now = Date.now()): readonly string[] {
  const here = certs.here.map((cert: LocalCert) => `${cert.what} ${left(cert, now)}`).join(', ');
  const late = cluster.rows.flatMap(({ id, name }) => {
    const server = certs.members.get(id)?.server;
    return server && isLate(server, now)
      ? [`warning: certificate of ${printable(name)}: ${left(server, now)}; ${LATE}`]
      : [];
  });
  const own = certs.here
    .filter((cert) => isLate(cert, now))
    .map((cert) => `warning: ${cert.file}: ${left(cert, now)}; ${LATE}`);
  return [...(here === '' ? [] : [`certificates of this host: ${here}`]), ...late, ...own];
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

const timeData = ({ from, to }: CertTime) => ({
  notBefore: new Date(from).toISOString(),
  notAfter: new Date(to).toISOString(),
});

/** All of it for `--json`; `signs` is null where it cannot be seen from here. */
export function healthData(health: Health, certs: Certs): Record<string, unknown> {
  const cluster = clusterData(health.cluster);
  const last = newest(health);
  const members = health.cluster.rows.map((row) => {
    const { server, signs, clockAhead } = certs.members.get(row.id) ?? {};
    return {
      ...row,
      id: row.id.toString(16),
      behind: row.revision === undefined ? null : last - row.revision,
      certificate: server ? timeData(server) : null,
      signs: signs ?? null,
      clockAhead: clockAhead ?? null,
    };
  });
  return {
    ...cluster,
    healthy: health.healthy,
    members,
    newestRevision: last,
    alarms: health.alarms ? alarmData(health) : null,
    certificates: certs.here.map(({ what, file, ...time }) => ({ what, file, ...timeData(time) })),
  };
}
