import { duration } from '../model/duration.ts';
import type { Check, NodeFacts, StatusReport } from '../model/report.ts';
import { paint } from './color.ts';
import { table } from './table.ts';

const HEADLINE = {
  ok: 'ok: this node is well',
  degraded: 'degraded: something needs attention',
  down: 'down: this node is not part of the network',
};
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

const checkRow = ({ name, state, detail }: Check): string[] => [name, paint(COLOR[state], state), detail];

/** Line one is the verdict; then the node, then each check. */
export const statusText = ({ state, checks, node }: StatusReport): string =>
  [
    paint(COLOR[state], HEADLINE[state]),
    ...(node ? ['', facts(node)] : []),
    '',
    table(['check', 'state', 'detail'], checks.map(checkRow)),
  ].join('\n');
