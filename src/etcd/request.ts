import { TsflannelError } from '../errors.ts';
import { type Ip, parseIp, printIp } from '../model/address.ts';
import { printEndpoint } from '../model/endpoint.ts';
import { NODE_NAME } from '../model/lease.ts';
import { type Parsed, printable } from '../model/parsed.ts';
import { type ClusterMember, parseCluster } from './cluster.ts';
import { MAX_SIZE, newUrlOf, parseDiscoveryUrl } from './discovery.ts';

/** What kind of cluster the member is to found. */
export type Wish =
  | { readonly kind: 'alone' }
  | { readonly kind: 'discovery'; readonly url: string }
  /** A URL has to be asked from the discovery service first. */
  | { readonly kind: 'new'; readonly base: string; readonly size: number }
  | { readonly kind: 'static'; readonly cluster: readonly ClusterMember[] };

/** What a user said about the member; what is absent was left open. */
export interface InitRequest {
  readonly wish?: Wish;
  readonly name?: string;
  readonly ip?: Ip;
  readonly clientPort?: number;
  readonly peerPort?: number;
}

/** Flags of `init` that make up the request, as oclif hands them over. */
export interface InitFlags {
  readonly discovery?: string | undefined;
  readonly 'new-discovery'?: string | undefined;
  readonly size?: number | undefined;
  readonly 'initial-cluster'?: string | undefined;
  readonly name?: string | undefined;
  readonly 'advertise-ip'?: string | undefined;
  readonly 'client-port'?: number | undefined;
  readonly 'peer-port'?: number | undefined;
}

const usage = (detail: string): TsflannelError => new TsflannelError('USAGE', { detail });

function checked<T>(flag: string, parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw usage(`${flag}: ${parsed.rejection.detail}`);
}

/** A discovery URL from a flag or an answer. Throws DISCOVERY_INVALID. */
export function discoveryWish(text: string): Wish {
  const url = parseDiscoveryUrl(text);
  if (!url.ok) throw new TsflannelError('DISCOVERY_INVALID', { detail: url.rejection.detail });
  return { kind: 'discovery', url: url.value };
}

/** The address of a discovery service and the size of the cluster to be. Throws DISCOVERY_INVALID or USAGE. */
export function newWish(base: string, size: number): Wish {
  newUrlOf(base, size);
  if (size < 1 || size > MAX_SIZE) throw usage(`--size ${size}: 1 to ${MAX_SIZE} is expected`);
  return { kind: 'new', base: base.trim(), size };
}

/** A static cluster. Throws USAGE: names and URLs must differ, one plain http URL a member. */
export function staticWish(text: string): Wish {
  const cluster = checked('--initial-cluster', parseCluster(text, '--initial-cluster'));
  const twice = cluster.find((member) => member.peerUrls.length > 1);
  if (twice) throw usage(`--initial-cluster: two members are named ${twice.name}`);
  const urls = cluster.flatMap((member) => member.peerUrls.map(printEndpoint));
  const double = urls.find((url, index) => urls.indexOf(url) !== index);
  if (double !== undefined) throw usage(`--initial-cluster: two members have ${double}`);
  const secure = urls.find((url) => url.startsWith('https:'));
  if (secure !== undefined) throw usage(`--initial-cluster: ${secure}: this version runs members over plain http only`);
  return { kind: 'static', cluster };
}

function wishOf(flags: InitFlags): Wish | undefined {
  const given = (['discovery', 'new-discovery', 'initial-cluster'] as const).filter((name) => flags[name]);
  if (given.length > 1) throw usage(`${given.map((name) => `--${name}`).join(' and ')} exclude each other`);
  if (flags.size !== undefined && !flags['new-discovery']) throw usage('--size goes with --new-discovery only');
  if (flags.discovery) return discoveryWish(flags.discovery);
  if (flags['new-discovery']) return newWish(flags['new-discovery'], flags.size ?? 3);
  return flags['initial-cluster'] ? staticWish(flags['initial-cluster']) : undefined;
}

/** Why text is not a member's name; `undefined` when it is one. */
export const nameProblem = (text: string): string | undefined =>
  NODE_NAME.test(text) ? undefined : `${printable(text)}: letters, digits, dot, dash and underscore make a name`;

function nameOf(text: string): string {
  const problem = nameProblem(text);
  if (problem !== undefined) throw usage(`--name ${problem}`);
  return text;
}

function ipOf(text: string): Ip {
  const ip = parseIp(text);
  if (!ip) throw usage(`--advertise-ip ${printable(text)}: an address is expected`);
  return ip;
}

/** The request in the flags. Throws USAGE or DISCOVERY_INVALID. */
export function parseRequest(flags: InitFlags): InitRequest {
  const wish = wishOf(flags);
  const { name, 'advertise-ip': ip, 'client-port': clientPort, 'peer-port': peerPort } = flags;
  if (clientPort !== undefined && clientPort === peerPort)
    throw usage('--client-port and --peer-port are the same port');
  return {
    ...(wish && { wish }),
    ...(name !== undefined && { name: nameOf(name) }),
    ...(ip !== undefined && { ip: ipOf(ip) }),
    ...(clientPort !== undefined && { clientPort }),
    ...(peerPort !== undefined && { peerPort }),
  };
}

const word = (text: string): string => (/^[\w./:@=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The flags that say the same as these answers, for a script. */
export function wishFlags(wish: Wish): readonly string[] {
  switch (wish.kind) {
    case 'alone':
      return [];
    case 'discovery':
      return ['--discovery', word(wish.url)];
    case 'new':
      return ['--new-discovery', word(wish.base), '--size', String(wish.size)];
    case 'static':
      return [
        '--initial-cluster',
        word(wish.cluster.map((m) => `${m.name}=${m.peerUrls.map(printEndpoint).join()}`).join()),
      ];
  }
}

/** The command line that makes this member without a question. */
export function commandLine(wish: Wish, chosen: Required<Omit<InitRequest, 'wish'>>, more: readonly string[]): string {
  const ports = [
    ...(chosen.clientPort === 2379 ? [] : ['--client-port', String(chosen.clientPort)]),
    ...(chosen.peerPort === 2380 ? [] : ['--peer-port', String(chosen.peerPort)]),
  ];
  const own = ['--name', chosen.name, '--advertise-ip', printIp(chosen.ip), ...ports];
  return ['tsflannel init --yes --insecure', ...wishFlags(wish), ...own, ...more.map(word)].join(' ');
}
