import type { EchoFigures, PairReport } from '../model/connectivity.ts';
import { paint } from './color.ts';
import type { JunitCase } from './junit.ts';
import { lossText, tripText } from './routes.ts';
import { table } from './table.ts';

const COLOR = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

const loss = (echo: EchoFigures | undefined): string =>
  echo ? lossText({ asked: echo.sent, lost: echo.sent - echo.received }) : '-';

/** The way of containers in a word: round trip and loss, or what is known of it. */
function containersText({ containers }: PairReport): string {
  if (!containers) return '-';
  const { there, way, host } = containers;
  if (host.received === 0) return 'not forwarded here';
  if (way) return `${tripText(way.overlay.rttMicros)}, ${loss(way.overlay)} lost`;
  return { answered: '-', none: 'no bridge there', unreachable: 'forwarded, none answers' }[there as string] ?? there;
}

const row = (pair: PairReport): string[] => [
  pair.from,
  pair.to,
  pair.subnet,
  tripText(pair.overlay.rttMicros),
  loss(pair.overlay),
  tripText(pair.underlay.rttMicros),
  pair.largest === undefined ? '-' : `${pair.largest} of ${pair.mtu}`,
  pair.tcp ?? '-',
  pair.udp ?? '-',
  loss(pair.load),
  containersText(pair),
  paint(COLOR[pair.result], pair.result),
];

const HEAD = [
  'from',
  'to',
  'subnet',
  'rtt',
  'loss',
  'underlay',
  'largest',
  'tcp',
  'udp',
  'under load',
  'containers',
  'result',
];

const causeLines = ({ from, to, cause, fix, result }: PairReport): string[] =>
  cause === undefined
    ? []
    : [`${paint(COLOR[result], result)}  ${from} to ${to}: ${cause}`, ...(fix ? [`      try:  ${fix}`] : [])];

/** A line a pair, what is wrong with each, and the count last. */
export function connectivityText(pairs: readonly PairReport[]): string {
  if (pairs.length === 0) return 'There is no other node.';
  const causes = pairs.flatMap(causeLines);
  const count = (result: PairReport['result']): number => pairs.filter((pair) => pair.result === result).length;
  return [
    table(HEAD, pairs.map(row)),
    ...(causes.length > 0 ? ['', ...causes] : []),
    '',
    `${count('ok')} of ${pairs.length} pairs are well, ${count('warn')} with a warning, ${count('fail')} failed`,
  ].join('\n');
}

/** A case a pair. */
export const connectivityCases = (pairs: readonly PairReport[]): JunitCase[] =>
  pairs.map(({ from, to, result, cause }) => ({
    name: `${from} to ${to}`,
    result,
    ...(cause !== undefined && { detail: cause }),
  }));
