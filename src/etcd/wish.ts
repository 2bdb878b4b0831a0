import { resolve } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { parseEndpoints, printEndpoint } from '../model/endpoint.ts';
import { type ClusterMember, parseCluster, printCluster } from './cluster.ts';
import { MAX_SIZE, newUrlOf, parseDiscoveryUrl } from './discovery.ts';
import { parseDiscoveryToken, type V3Registry } from './discovery-v3.ts';
import type { Bootstrap } from './member.ts';
import { parseSrv, type Srv } from './srv.ts';

/** What kind of cluster the member is to found. */
export type Wish =
  | { readonly kind: 'alone' }
  | { readonly kind: 'discovery'; readonly url: string }
  /** A URL has to be asked from the discovery service first. */
  | { readonly kind: 'new'; readonly base: string; readonly size: number }
  | { readonly kind: 'v3'; readonly registry: V3Registry }
  /** The members are in the DNS; looked up, it becomes `static`. */
  | { readonly kind: 'srv'; readonly srv: Srv }
  | { readonly kind: 'static'; readonly cluster: readonly ClusterMember[]; readonly srv?: Srv };

/** Flags of `init` that say which cluster, as oclif hands them over. */
export interface WishFlags {
  readonly discovery?: string | undefined;
  readonly 'new-discovery'?: string | undefined;
  readonly 'discovery-token'?: string | undefined;
  readonly 'discovery-endpoints'?: string | undefined;
  readonly 'discovery-cacert'?: string | undefined;
  readonly 'discovery-cert'?: string | undefined;
  readonly 'discovery-key'?: string | undefined;
  readonly 'discovery-srv'?: string | undefined;
  readonly 'discovery-srv-name'?: string | undefined;
  readonly size?: number | undefined;
  readonly 'initial-cluster'?: string | undefined;
}

const usage = (detail: string): TsflannelError => new TsflannelError('USAGE', { detail });

const invalid = (detail: string): TsflannelError => new TsflannelError('DISCOVERY_INVALID', { detail });

/** A discovery URL from a flag or an answer. Throws DISCOVERY_INVALID. */
export function discoveryWish(text: string): Wish {
  const url = parseDiscoveryUrl(text);
  if (!url.ok) throw invalid(url.rejection.detail);
  return { kind: 'discovery', url: url.value };
}

/** Throws USAGE for a size no cluster has. */
export function checkSize(size: number): number {
  if (size >= 1 && size <= MAX_SIZE) return size;
  throw usage(`--size ${size}: 1 to ${MAX_SIZE} is expected`);
}

/** The address of a discovery service and the size of the cluster to be. Throws DISCOVERY_INVALID or USAGE. */
export function newWish(base: string, size: number): Wish {
  newUrlOf(base, size);
  return { kind: 'new', base: base.trim(), size: checkSize(size) };
}

/** Where v3 registries are, from flags of `init` and `discovery new`. Throws USAGE. */
export function v3Place(flags: WishFlags): Omit<V3Registry, 'token'> {
  const endpoints = parseEndpoints([flags['discovery-endpoints'] ?? ''], '--discovery-endpoints', 2379);
  if (!endpoints.ok) throw usage(`--discovery-endpoints: ${endpoints.rejection.detail}`);
  const { 'discovery-cacert': ca, 'discovery-cert': cert, 'discovery-key': key } = flags;
  if ((cert === undefined) !== (key === undefined)) throw usage('--discovery-cert and --discovery-key go together');
  return {
    endpoints: endpoints.value.map(printEndpoint),
    ...(ca !== undefined && { caFile: resolve(ca) }),
    ...(cert !== undefined && key !== undefined && { certFile: resolve(cert), keyFile: resolve(key) }),
  };
}

/** A v3 discovery token and where it counts. Throws DISCOVERY_INVALID or USAGE. */
export function v3Wish(token: string, flags: WishFlags): Wish {
  const parsed = parseDiscoveryToken(token);
  if (!parsed.ok) throw invalid(parsed.rejection.detail);
  return { kind: 'v3', registry: { token: parsed.value, ...v3Place(flags) } };
}

/** A domain whose DNS names the members. Throws USAGE. */
export function srvWish(domain: string, name?: string): Wish {
  const srv = parseSrv(domain, name);
  if (!srv.ok) throw usage(`--discovery-srv: ${srv.rejection.detail}`);
  return { kind: 'srv', srv: srv.value };
}

/** A static cluster. Throws USAGE: names and URLs must differ, one URL a member, all http or all https. */
export function staticWish(text: string): Wish {
  const cluster = parseCluster(text, '--initial-cluster');
  if (!cluster.ok) throw usage(`--initial-cluster: ${cluster.rejection.detail}`);
  const twice = cluster.value.find((member) => member.peerUrls.length > 1);
  if (twice) throw usage(`--initial-cluster: two members are named ${twice.name}`);
  const urls = cluster.value.flatMap((member) => member.peerUrls.map(printEndpoint));
  const double = urls.find((url, index) => urls.indexOf(url) !== index);
  if (double !== undefined) throw usage(`--initial-cluster: two members have ${double}`);
  if (new Set(urls.map((url) => url.split(':')[0])).size > 1)
    throw usage('--initial-cluster: some URLs are https:// and some are http://');
  return { kind: 'static', cluster: cluster.value };
}

const KINDS = ['discovery', 'new-discovery', 'discovery-token', 'discovery-srv', 'initial-cluster'] as const;

/** Flags that mean something only beside another one. */
const BESIDE = [
  ...(['endpoints', 'cacert', 'cert', 'key'] as const).map((name) => [`discovery-${name}`, 'discovery-token'] as const),
  ['discovery-srv-name', 'discovery-srv'],
] as const;

function checkTogether(flags: WishFlags): void {
  const given = KINDS.filter((name) => flags[name]);
  if (given.length > 1) throw usage(`${given.map((name) => `--${name}`).join(' and ')} exclude each other`);
  const stray = BESIDE.find(([name, beside]) => flags[name] && !flags[beside]);
  if (stray) {
    const made = stray[1] === 'discovery-token' ? "; 'tsflannel discovery new' makes one" : '';
    throw usage(`--${stray[0]} goes with --${stray[1]}${made}`);
  }
  if (flags.size !== undefined && given.some((name) => name !== 'new-discovery'))
    throw usage('--size goes with --new-discovery, or with a cluster begun here alone');
  if (flags.size !== undefined) checkSize(flags.size);
}

/** The kind of cluster in the flags; `undefined` where they say none. Throws USAGE or DISCOVERY_INVALID. */
export function wishOf(flags: WishFlags): Wish | undefined {
  checkTogether(flags);
  const { discovery, 'new-discovery': base, 'discovery-token': token, 'discovery-srv': domain } = flags;
  if (discovery) return discoveryWish(discovery);
  if (base) return newWish(base, flags.size ?? 3);
  if (token) return v3Wish(token, flags);
  if (domain) return srvWish(domain, flags['discovery-srv-name']);
  return flags['initial-cluster'] ? staticWish(flags['initial-cluster']) : undefined;
}

const srvFlags = ({ domain, name }: Srv): readonly string[] => [
  ...['--discovery-srv', domain],
  ...(name === undefined ? [] : ['--discovery-srv-name', name]),
];

/** The flags of a place of v3 registries. */
export const v3Flags = ({ endpoints, caFile, certFile, keyFile }: Omit<V3Registry, 'token'>): readonly string[] => [
  ...['--discovery-endpoints', endpoints.join()],
  ...(caFile === undefined ? [] : ['--discovery-cacert', caFile]),
  ...(certFile === undefined ? [] : ['--discovery-cert', certFile]),
  ...(keyFile === undefined ? [] : ['--discovery-key', keyFile]),
];

/** The flags that say the same as these answers, unquoted. */
export function wishFlags(wish: Wish): readonly string[] {
  switch (wish.kind) {
    case 'alone':
      return [];
    case 'discovery':
      return ['--discovery', wish.url];
    case 'new':
      return ['--new-discovery', wish.base, '--size', String(wish.size)];
    case 'v3':
      return ['--discovery-token', wish.registry.token, ...v3Flags(wish.registry)];
    case 'srv':
      return srvFlags(wish.srv);
    case 'static':
      return wish.srv ? srvFlags(wish.srv) : ['--initial-cluster', printCluster(wish.cluster)];
  }
}

const wishText = (wish: Wish): string =>
  wish.kind === 'alone' ? 'a cluster of its own' : wishFlags(wish).slice(0, 4).join(' ');

const sameSrv = (a: Srv | undefined, b: Srv | undefined): boolean => a?.domain === b?.domain && a?.name === b?.name;

function sameWish(wish: Wish, bootstrap: Bootstrap): boolean {
  switch (wish.kind) {
    case 'alone':
      return bootstrap.kind === 'alone';
    case 'static':
      return bootstrap.kind === 'static' && printCluster(wish.cluster) === printCluster(bootstrap.cluster);
    case 'srv':
      return bootstrap.kind === 'static' && sameSrv(wish.srv, bootstrap.srv);
    case 'v3':
      return bootstrap.kind === 'v3' && wish.registry.token === bootstrap.registry.token;
    case 'discovery':
      return bootstrap.kind === 'discovery' && wish.url === bootstrap.url;
    case 'new':
      return (
        bootstrap.kind === 'discovery' && wish.base === bootstrap.asked?.base && wish.size === bootstrap.asked.size
      );
  }
}

/** In what a wish contradicts how a member came about; `undefined` when it says the same. */
export const otherWish = (wish: Wish, bootstrap: Bootstrap): string | undefined =>
  sameWish(wish, bootstrap) ? undefined : `it was not made with ${wishText(wish)}`;
