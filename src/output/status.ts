import type { Traffic } from '../model/carrier-report.ts';
import { duration } from '../model/duration.ts';
import type { Check, NodeFacts, StatusReport } from '../model/report.ts';
import { paint } from './color.ts';
import { table } from './table.ts';

const HEADLINE = {
  ok: 'ok: this node is well',
  degraded: 'degraded: something needs attention',
  down: 'down: this node is not part of the network',
};
/** How a detail begins that is no reason to call the node unwell, and still to be seen to. */
const WARNING = 'warning: ';
const COLOR = { ok: 'green', degraded: 'yellow', down: 'red' } as const;

const facts = (node: NodeFacts): string =>
  table(
    ['subnet', 'network', 'backend', 'public ip', 'interface', 'mtu', 'peers', 'uptime'],
    [
      [
        node.subnet,
        node.network,
        node.backend,
        node.publicIp,
        node.interface,
        String(node.mtu),
        String(node.peers),
        duration(node.uptimeSeconds),
      ],
    ],
  );

/** `1,024 packets, 1.5 MB`. */
const amount = ({ packets, bytes }: Traffic): string =>
  `${packets.toLocaleString('en-US')} packets, ${(bytes / 1e6).toFixed(1)} MB`;

/** As a carrier of backend udp counts, or a source check of another backend. */
interface Counted {
  readonly sent?: Traffic;
  readonly received?: Traffic;
  readonly drops?: Readonly<Record<string, number>>;
}

/** What a carrier of backend udp has moved, and what was dropped for which reason. */
function trafficText({ sent, received, drops = {} }: Counted): string[] {
  const dropped = Object.entries(drops).filter(([, count]) => count > 0);
  const list = dropped.map(([reason, count]) => `${reason} ${count.toLocaleString('en-US')}`);
  const moved = sent && received ? [`sent: ${amount(sent)}`, `received: ${amount(received)}`] : [];
  return ['', [...moved, `dropped: ${list.join(', ') || 'none'}`].join('; ')];
}

const checkRow = ({ name, state, detail }: Check): string[] => [name, paint(COLOR[state], state), detail];

/** Line one is the verdict; then the node, then each check; and where to go on when there is anything to see to. */
export const statusText = ({ state, checks, node }: StatusReport): string => {
  const warnings = checks.filter(({ detail }) => detail.startsWith(WARNING)).length;
  const bad = checks.filter((one) => one.state !== 'ok').map(({ name }) => name);
  const warned = warnings > 0 ? `, with ${warnings} warning${warnings > 1 ? 's' : ''}` : '';
  const aside = state === 'ok' ? warned : `: ${bad.join(', ')}`;
  return [
    paint(COLOR[state], `${HEADLINE[state]}${aside}`),
    ...(node ? ['', facts(node)] : []),
    ...(node?.counters ? trafficText(node.counters as Counted) : []),
    '',
    table(['check', 'state', 'detail'], checks.map(checkRow)),
    ...(state === 'ok' && warnings === 0 ? [] : ['', 'tsflannel doctor says why, and what to type']),
  ].join('\n');
};
