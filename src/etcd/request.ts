import { resolve } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { type Ip, parseIp, printIp } from '../model/address.ts';
import { printEndpoint } from '../model/endpoint.ts';
import { NODE_NAME } from '../model/lease.ts';
import { type Parsed, printable } from '../model/parsed.ts';
import { type ClusterMember, parseCluster } from './cluster.ts';
import { MAX_SIZE, newUrlOf, parseDiscoveryUrl } from './discovery.ts';
import type { CaFiles } from './pki-files.ts';

/** What kind of cluster the member is to found. */
export type Wish =
  | { readonly kind: 'alone' }
  | { readonly kind: 'discovery'; readonly url: string }
  /** A URL has to be asked from the discovery service first. */
  | { readonly kind: 'new'; readonly base: string; readonly size: number }
  | { readonly kind: 'static'; readonly cluster: readonly ClusterMember[] };

/** How members and clients speak to each other. */
export type Security =
  | { readonly kind: 'insecure' }
  /** A CA that tsflannel makes. */
  | { readonly kind: 'own' }
  | { readonly kind: 'given'; readonly ca: CaFiles };

/** What a user said about the member; what is absent was left open. */
export interface InitRequest {
  readonly wish?: Wish;
  readonly name?: string;
  readonly ip?: Ip;
  readonly clientPort?: number;
  readonly peerPort?: number;
  readonly security?: Security;
  readonly joinPort?: number;
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
  readonly 'join-port'?: number | undefined;
  readonly insecure?: boolean | undefined;
  readonly 'ca-cert'?: string | undefined;
  readonly 'ca-key'?: string | undefined;
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

/** A static cluster. Throws USAGE: names and URLs must differ, one URL a member, all http or all https. */
export function staticWish(text: string): Wish {
  const cluster = checked('--initial-cluster', parseCluster(text, '--initial-cluster'));
  const twice = cluster.find((member) => member.peerUrls.length > 1);
  if (twice) throw usage(`--initial-cluster: two members are named ${twice.name}`);
  const urls = cluster.flatMap((member) => member.peerUrls.map(printEndpoint));
  const double = urls.find((url, index) => urls.indexOf(url) !== index);
  if (double !== undefined) throw usage(`--initial-cluster: two members have ${double}`);
  if (new Set(urls.map((url) => url.split(':')[0])).size > 1)
    throw usage('--initial-cluster: some URLs are https:// and some are http://');
  return { kind: 'static', cluster };
}

function wishOf(flags: InitFlags): Wish | undefined {
  const given = (['discovery', 'new-discovery', 'initial-cluster'] as const).filter((name) => flags[name]);
  if (given.length > 1) throw usage(`${given.map((name) => `--${name}`).join(' and ')} exclude each other`);
  if (flags.size !== undefined && (flags.discovery || flags['initial-cluster']))
    throw usage('--size goes with --new-discovery, or with a cluster begun here alone');
  if (flags.size !== undefined && (flags.size < 1 || flags.size > MAX_SIZE))
    throw usage(`--size ${flags.size}: 1 to ${MAX_SIZE} is expected`);
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

function securityOf(flags: InitFlags): Security | undefined {
  const { insecure, 'ca-cert': cert, 'ca-key': key } = flags;
  if ((cert === undefined) !== (key === undefined)) throw usage('--ca-cert and --ca-key go together');
  if (insecure && cert !== undefined) throw usage('--insecure means no TLS, --ca-cert and --ca-key are for TLS');
  if (cert !== undefined && key !== undefined) return { kind: 'given', ca: { cert: resolve(cert), key: resolve(key) } };
  return insecure ? { kind: 'insecure' } : undefined;
}

/** The request in the flags. Throws USAGE or DISCOVERY_INVALID. */
export function parseRequest(flags: InitFlags): InitRequest {
  const wish = wishOf(flags);
  const { name, 'advertise-ip': ip, 'client-port': clientPort, 'peer-port': peerPort, 'join-port': joinPort } = flags;
  if (clientPort !== undefined && clientPort === peerPort)
    throw usage('--client-port and --peer-port are the same port');
  const security = securityOf(flags);
  return {
    ...(wish && { wish }),
    ...(name !== undefined && { name: nameOf(name) }),
    ...(ip !== undefined && { ip: ipOf(ip) }),
    ...(clientPort !== undefined && { clientPort }),
    ...(peerPort !== undefined && { peerPort }),
    ...(joinPort !== undefined && { joinPort }),
    ...(security && { security }),
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

/** The flags that say the same as this answer. */
export const securityFlags = (security: Security): readonly string[] => {
  if (security.kind === 'insecure') return ['--insecure'];
  return security.kind === 'own' ? [] : ['--ca-cert', word(security.ca.cert), '--ca-key', word(security.ca.key)];
};

/** The command line that makes this member without a question. */
export function commandLine(wish: Wish, chosen: Required<Omit<InitRequest, 'wish'>>, more: readonly string[]): string {
  const ports = [
    ...(chosen.clientPort === 2379 ? [] : ['--client-port', String(chosen.clientPort)]),
    ...(chosen.peerPort === 2380 ? [] : ['--peer-port', String(chosen.peerPort)]),
    ...(chosen.joinPort === 2381 ? [] : ['--join-port', String(chosen.joinPort)]),
  ];
  const own = ['--name', chosen.name, '--advertise-ip', printIp(chosen.ip), ...ports];
  return [
    'tsflannel init --yes',
    ...securityFlags(chosen.security),
    ...wishFlags(wish),
    ...own,
    ...more.map(word),
  ].join(' ');
}
