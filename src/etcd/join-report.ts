import { TsflannelError } from '../errors.ts';
import { clientConfigPath } from '../files/client-config.ts';
import { printIp } from '../model/address.ts';
import { printEndpoint } from '../model/endpoint.ts';
import type { InitOptions } from './init.ts';
import { type JoinToken, parseToken, serviceOf } from './join-token.ts';
import { formerMember, type Joined, type JoinWish, planJoin } from './joining.ts';
import { logFile, memberFile, peerUrl } from './member.ts';
import { clusterData } from './members.ts';

const MOST = 4096;

async function readStdin(): Promise<string> {
  let text = '';
  for await (const part of process.stdin) {
    text += String(part);
    if (text.length > MOST) break;
  }
  return text;
}

/** The token from the command line, `-` being stdin, else from the environment. Rejects with JOIN_TOKEN. */
export async function readTokenText(
  argument: string | undefined,
  inherited: string | undefined,
): Promise<JoinToken | undefined> {
  const text = argument === '-' ? await readStdin() : (argument ?? inherited);
  return text === undefined ? undefined : parseToken(text);
}

/** The result of `join` for `--json` and as text; `table` is the member table already laid out. */
export function joinReport(
  joined: Joined,
  { configDir }: InitOptions,
  table: string,
): { readonly data: Record<string, unknown>; readonly text: string } {
  const clientConfig = clientConfigPath(configDir);
  const next = 'next: tsflannel up';
  if (joined.as === 'client') {
    const { changed, client } = joined;
    const head = changed
      ? 'this host has joined as a client; its certificate is new'
      : 'this host has joined as a client before: nothing to do';
    const lines = [
      head,
      `etcd is at ${client.endpoints.join(', ')}; client.json ${clientConfig}`,
      ...(changed ? [next] : []),
    ];
    return { data: { changed, as: 'client', endpoints: client.endpoints, clientConfig }, text: lines.join('\n') };
  }
  const { outcome } = joined;
  const { member, cluster, changed } = outcome;
  const state = !cluster
    ? 'joins in the background'
    : changed
      ? 'has joined and votes'
      : 'runs and votes: nothing to do';
  const lines = [
    `${member.name} ${state}`,
    ...(cluster ? [table] : []),
    ...(changed ? [`data ${member.dataDir}, log ${logFile(member.dataDir)}, client.json ${clientConfig}`, next] : []),
  ];
  const data = { changed, as: 'member', name: member.name, clientConfig, ...(cluster ? clusterData(cluster) : {}) };
  return { data, text: lines.join('\n') };
}

/** What `join` would do: the service is looked at, and nothing is sent to it. */
export async function previewJoin(
  { token, as }: JoinWish,
  options: InitOptions,
): Promise<{ readonly data: Record<string, unknown>; readonly text: string }> {
  const former = await formerMember(options);
  if (former)
    return { data: { dryRun: true, former: former.name }, text: `${former.name} would go on from where it was` };
  if (!token) throw new TsflannelError('USAGE', { detail: 'a token is needed' });
  const { name, member, ip, as: purpose } = await planJoin(token, as ?? token.purpose, options);
  const files = member ? [member.pki ?? '', member.dataDir, memberFile(member.dataDir)] : [];
  const lines = [
    `this host would join as a ${purpose} (dry run, nothing was changed and nothing sent):`,
    `  name ${name}, address ${printIp(ip)}, by ${serviceOf(token)}, whose CA is the token's`,
    ...(member ? [`  etcd with the peer URL ${printEndpoint(peerUrl(member))}`] : []),
    ...[...files, clientConfigPath(options.configDir)].map((file) => `  ${file}`),
  ];
  return { data: { dryRun: true, as: purpose, name, service: serviceOf(token), files }, text: lines.join('\n') };
}
