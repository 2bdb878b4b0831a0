import { duration, milliseconds } from '../model/duration.ts';
import { isNearlyFull, type PeerLiveness, type RouteRow, type Usage, usageText } from '../model/report.ts';
import { table } from './table.ts';

const left = (row: RouteRow): string =>
  row.left !== undefined ? duration(row.left) : row.leaseId === '0' ? 'reserved' : '-';

const seconds = (value: number | undefined): string => (value === undefined ? '-' : duration(value));

/** `0.21 ms`, or `-`. */
export const tripText = (micros: number | undefined): string => (micros === undefined ? '-' : milliseconds(micros));

/** `0 %` of the last requests. */
export const lossText = ({ asked, lost }: Pick<PeerLiveness, 'asked' | 'lost'>): string =>
  asked === 0 ? '-' : `${Math.round((100 * lost) / asked)} %`;

const LIVENESS_HEAD = ['rtt', 'loss'];
const livenessCells = ({ liveness }: RouteRow): string[] =>
  liveness ? [tripText(liveness.rttMicros), lossText(liveness)] : ['-', '-'];

const TRAFFIC_HEAD = ['sent', 'received', 'refused'];
/** Packets to the peer and from it, and those in its name that were not let in. */
const trafficCells = ({ traffic }: RouteRow): string[] =>
  traffic ? [traffic.sent.packets, traffic.received.packets, traffic.refused].map(String) : ['-', '-', '-'];

/** How each subnet is reached; round trips and losses where a daemon asks its peers; packets where a carrier of backend udp counts them. */
export function routesText(rows: readonly RouteRow[]): string {
  if (rows.length === 0) return 'No leases.';
  const isAsked = rows.some(({ liveness }) => liveness);
  const isCounted = rows.some(({ traffic }) => traffic);
  const cells = rows.map((row) => [
    row.subnet,
    row.node,
    row.publicIp,
    row.backend,
    row.device ?? '-',
    row.nextHop ?? '-',
    row.state,
    left(row),
    ...(isAsked ? livenessCells(row) : []),
    ...(isCounted ? trafficCells(row) : []),
    row.detail ?? row.liveness?.detail ?? '',
  ]);
  const head = ['subnet', 'node', 'public ip', 'backend', 'device', 'next hop', 'state', 'left'];
  return table([...head, ...(isAsked ? LIVENESS_HEAD : []), ...(isCounted ? TRAFFIC_HEAD : []), ''], cells);
}

/** What to do about a network that is nearly full. */
const warning = (usage: Usage): string[] =>
  isNearlyFull(usage)
    ? [
        '',
        `Warning: ${usageText(usage)}. Give back those of nodes that are gone (tsflannel leases release --dead),`,
        'let leases end sooner (tsflannel up --lease-ttl), or take a larger network (tsflannel config set).',
      ]
    : [];

/** Who leases what, and for how long. */
export function leasesText(rows: readonly RouteRow[], usage: Usage): string {
  if (rows.length === 0) return 'No leases.';
  const cells = rows.map((row) => [
    row.subnet,
    row.node,
    row.publicIp,
    row.backend,
    seconds(row.age),
    left(row),
    row.state,
  ]);
  const head = ['subnet', 'node', 'public ip', 'backend', 'renewed', 'left', 'state'];
  return [table(head, cells), ...warning(usage)].join('\n');
}
