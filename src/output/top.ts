import { stripVTControlCharacters } from 'node:util';
import { duration } from '../model/duration.ts';
import { bitRate, type Flow, type Flows, flowsBetween, type LiveState, type Rate } from '../model/live.ts';
import { type DaemonEvent, type RouteRow, usageText } from '../model/report.ts';
import { paint } from './color.ts';
import { lossText, tripText } from './routes.ts';
import { table } from './table.ts';

/** By what the nodes are ordered. */
export const SORTS = ['subnet', 'node', 'traffic', 'rtt', 'loss'] as const;
export type Sort = (typeof SORTS)[number];

/** What the person at the terminal has chosen. */
export interface TopView {
  readonly sort: Sort;
  readonly paused: boolean;
  readonly help: boolean;
  /** First node shown. */
  readonly from: number;
}

const rateText = (rate: Rate | undefined): string =>
  rate ? `${bitRate(rate.bits)}, ${Math.round(rate.packets)}/s` : '-';

const bitsOf = ({ received, sent }: Flow): number => (received?.bits ?? 0) + (sent?.bits ?? 0);
const lossOf = ({ liveness }: RouteRow): number =>
  liveness && liveness.asked > 0 ? liveness.lost / liveness.asked : 0;

function sorted(rows: readonly RouteRow[], flows: Flows, sort: Sort): readonly RouteRow[] {
  const flowOf = (row: RouteRow): number => bitsOf(flows.peers.get(row.key) ?? {});
  const orders: Readonly<Record<Sort, (a: RouteRow, b: RouteRow) => number>> = {
    subnet: () => 0,
    node: (a, b) => a.node.localeCompare(b.node),
    traffic: (a, b) => flowOf(b) - flowOf(a),
    rtt: (a, b) => (b.liveness?.rttMicros ?? 0) - (a.liveness?.rttMicros ?? 0),
    loss: (a, b) => lossOf(b) - lossOf(a),
  };
  return [...rows].sort(orders[sort]);
}

const HEAD = ['node', 'subnet', 'public ip', 'state', 'rtt', 'loss', 'in', 'out', 'refused', 'left'];
const STATE_COLOR: Readonly<Partial<Record<RouteRow['state'], 'green' | 'red' | 'yellow'>>> = {
  ok: 'green',
  'this node': 'green',
  foreign: 'yellow',
};

function cells(row: RouteRow, flow: Flow | undefined): string[] {
  const silent = row.liveness && row.liveness.verdict !== 'answers' && row.liveness.verdict !== 'unknown';
  const state = silent && row.state === 'ok' ? (row.liveness?.verdict ?? '') : row.state;
  const color = silent ? 'yellow' : (STATE_COLOR[row.state] ?? 'red');
  return [
    row.node,
    row.subnet,
    row.publicIp,
    paint(color, state),
    tripText(row.liveness?.rttMicros),
    row.liveness ? lossText(row.liveness) : '-',
    rateText(flow?.received),
    rateText(flow?.sent),
    row.traffic ? String(row.traffic.refused) : '-',
    row.left === undefined ? '-' : duration(row.left),
  ];
}

const VERDICT = { ok: 'green', degraded: 'yellow', down: 'red' } as const;

function headLines({ status, usage, traffic }: LiveState, flows: Flows, view: TopView): string[] {
  const { node, state, checks } = status;
  const title = node
    ? `${node.subnet} of ${node.network}, ${node.backend} over ${node.interface}, mtu ${node.mtu}, up ${duration(node.uptimeSeconds)}`
    : 'the node is not up';
  const wrong = checks.filter((check) => check.state !== 'ok');
  const { received, sent } = flows.device;
  return [
    `${paint(VERDICT[state], state)}  ${title}${view.paused ? '  PAUSED' : ''}`,
    ...wrong.map(({ name, state: how, detail }) => `  ${paint(VERDICT[how], name)}: ${detail}`),
    ...(usage ? [usageText(usage)] : []),
    ...(traffic
      ? [`${traffic.device}: in ${rateText(received)}; out ${rateText(sent)}; ${traffic.dropped} dropped`]
      : []),
  ];
}

const eventLine = ({ at, event, detail }: DaemonEvent): string => `${at.slice(11, 19)}  ${event}  ${detail}`;

const HELP = [
  '',
  'q, Ctrl-C  leave         s  sort by the next column    p  pause',
  'up, down   scroll nodes  h  this help, and back',
];

/** Cut to the width; colours do not count. */
function clip(line: string, columns: number): string {
  if (stripVTControlCharacters(line).length <= columns) return line;
  return `${stripVTControlCharacters(line).slice(0, Math.max(0, columns - 1))}…`;
}

/** One screen: the node, its peers, then as many of the last events as fit. Rates need the look before. */
export function topLines(
  [before, now]: readonly [LiveState | undefined, LiveState],
  view: TopView,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): string[] {
  const flows = flowsBetween(before, now);
  const head = headLines(now, flows, view);
  if (view.help) return [...head, ...HELP].map((line) => clip(line, columns));
  const peers = sorted(now.rows, flows, view.sort).map((row) => cells(row, flows.peers.get(row.key)));
  // Half of the screen at most for nodes where there are events to show.
  const room = Math.max(3, rows - head.length - 4 - Math.min(now.events.length + 1, Math.floor(rows / 3)));
  const shown = table(HEAD, peers.slice(view.from, view.from + room)).split('\n');
  const hidden = peers.length - room;
  const above = [...head, '', ...shown, ...(hidden > 0 ? [`${hidden} more (up, down)`] : []), ''];
  const left = rows - above.length - 1;
  const events = left > 1 ? ['EVENTS', ...now.events.slice(1 - left).map(eventLine)] : [];
  const foot = `sorted by ${view.sort}   q leave  s sort  p pause  h help`;
  const all = [...above, ...events].slice(0, rows - 1);
  const blank = Array.from({ length: Math.max(0, rows - 1 - all.length) }, () => '');
  return [...all, ...blank, foot].map((line) => clip(line, columns));
}
