import type { DockerReport, DockerRow } from '../model/report.ts';
import { paint } from './color.ts';
import { table } from './table.ts';

const HEADLINE = {
  ok: 'ok: Docker has the leased subnet',
  degraded: 'degraded: Docker and the lease do not agree',
  down: 'down: Docker has no part in the network',
};
const COLOR = { ok: 'green', degraded: 'yellow', down: 'red' } as const;

const cells = ({ what, state, expected, found }: DockerRow): string[] => [
  what,
  paint(COLOR[state], state),
  expected || '-',
  found,
];

/** Line one is the verdict, then each comparison, then the commands that put right what differs. */
export function dockerStatusText({ state, rows }: DockerReport): string {
  const fixes = [...new Set(rows.flatMap(({ fix }) => fix ?? []))];
  return [
    paint(COLOR[state], HEADLINE[state]),
    '',
    table(['what', 'state', 'should be', 'is'], rows.map(cells)),
    ...(fixes.length > 0 ? ['', ...fixes.map((fix) => `  try:  ${fix}`)] : []),
  ].join('\n');
}
