import { clientConfigPath } from '../files/client-config.ts';
import { printIp } from '../model/address.ts';
import type { InitOptions, InitOutcome } from './init.ts';
import { logFile, type Member } from './member.ts';
import { clusterData } from './members.ts';
import { equivalentLine } from './preview.ts';
import type { NewToken } from './tokens.ts';

function headline(outcome: InitOutcome): string {
  const { member, existing, changed, cluster } = outcome;
  if (!cluster)
    return `${member.name} starts in the background: 'tsflannel etcd status' shows when the cluster is healthy`;
  if (!changed) return `${member.name} runs and its cluster is healthy: nothing to do`;
  return existing
    ? `${member.name} runs again from ${member.dataDir}: the cluster is healthy`
    : `${member.name} runs: the cluster is healthy`;
}

const memberData = (member: Member): Record<string, unknown> => ({
  name: member.name,
  advertiseIp: printIp(member.ip),
  clientPort: member.clientPort,
  peerPort: member.peerPort,
  dataDir: member.dataDir,
  log: logFile(member.dataDir),
});

/** Each token lets one host in. */
const joinLines = (tokens: readonly NewToken[]): readonly string[] =>
  tokens.length === 0
    ? []
    : [
        `on ${tokens.length === 1 ? 'the next host' : 'the other hosts, a line each'} (good for 24 hours, once):`,
        ...tokens.map(({ token }) => `  tsflannel join ${token}`),
      ];

/** The result of `init` for `--json` and as text; `table` is the member table already laid out, `written` says what became of the network. */
export function report(
  outcome: InitOutcome,
  options: InitOptions,
  parts: { readonly table: string; readonly written?: string; readonly user?: string },
): { readonly data: Record<string, unknown>; readonly text: string } {
  const line = equivalentLine(outcome, options);
  const { cluster, changed, member } = outcome;
  const { bootstrap } = member;
  const discovery = bootstrap.kind === 'discovery' ? { discovery: bootstrap.url } : {};
  const client = clientConfigPath(options.configDir);
  const lines = [
    headline(outcome),
    ...(cluster ? [parts.table] : []),
    ...(changed ? [`data ${member.dataDir}, log ${logFile(member.dataDir)}, client.json ${client}`] : []),
    ...(parts.written === undefined ? [] : [parts.written]),
    ...(parts.user === undefined
      ? []
      : [`authentication is on: nodes need TSFLANNEL_ETCD_USERNAME=${parts.user} and TSFLANNEL_ETCD_PASSWORD`]),
    ...joinLines(outcome.tokens ?? []),
    ...(line === undefined ? [] : [`the same without questions: ${line}`]),
    ...(line !== undefined && outcome.network === undefined
      ? ['next: tsflannel config set --network 172.17.0.0/16']
      : []),
  ];
  const data = {
    changed,
    member: memberData(member),
    ...discovery,
    clientConfig: client,
    ...(cluster ? clusterData(cluster) : {}),
    ...(line === undefined ? {} : { command: line }),
    ...(parts.written === undefined ? {} : { network: parts.written }),
    ...(parts.user === undefined ? {} : { user: parts.user }),
    ...(outcome.tokens?.length ? { join: outcome.tokens.map(({ token }) => token) } : {}),
  };
  return { data, text: lines.join('\n') };
}
