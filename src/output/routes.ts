import { duration } from '../model/duration.ts';
import type { RouteRow } from '../model/report.ts';
import { table } from './table.ts';

const left = (row: RouteRow): string =>
  row.left !== undefined ? duration(row.left) : row.leaseId === '0' ? 'reserved' : '-';

const seconds = (value: number | undefined): string => (value === undefined ? '-' : duration(value));

/** How each subnet is reached. */
export function routesText(rows: readonly RouteRow[]): string {
  if (rows.length === 0) return 'No leases.';
  const cells = rows.map((row) => [
    row.subnet,
    row.node,
    row.publicIp,
    row.backend,
    row.device ?? '-',
    row.nextHop ?? '-',
    row.state,
    left(row),
    row.detail ?? '',
  ]);
  return table(['subnet', 'node', 'public ip', 'backend', 'device', 'next hop', 'state', 'left', ''], cells);
}

/** Who leases what, and for how long. */
export function leasesText(rows: readonly RouteRow[]): string {
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
  return table(['subnet', 'node', 'public ip', 'backend', 'renewed', 'left', 'state'], cells);
}
