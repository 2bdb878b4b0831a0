import { randomBytes } from 'node:crypto';
import { TsflannelError } from '../errors.ts';
import { parseIp, printIp } from '../model/address.ts';
import { printEndpoint } from '../model/endpoint.ts';
import { type HostAddress, isHostAddress, obviousAddress } from './addresses.ts';
import { type ClusterMember, PEER_PORT, printCluster } from './cluster.ts';
import { type Bootstrap, type Member, peerUrl } from './member.ts';
import type { InitRequest, Security } from './request.ts';
import { otherWish, type Wish } from './wish.ts';

/** What this host offers where the request leaves something open. */
export interface HostDefaults {
  readonly hostname: string;
  readonly addresses: readonly HostAddress[];
}

export const CLIENT_PORT = 2379;
export const JOIN_PORT = 2381;

const usage = (detail: string): TsflannelError => new TsflannelError('USAGE', { detail });

/** Names in a lease, a file and an argument list are plain; a hostname is, but for what nobody should have called a host. */
export const plainName = (hostname: string): string =>
  hostname
    .split('.')[0]
    ?.replaceAll(/[^A-Za-z0-9_-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63) || 'node';

const listed = (addresses: readonly HostAddress[]): string =>
  addresses.map(({ device, ip }) => `${printIp(ip)} (${device})`).join(', ') || 'none but loopback';

/** This host's entry in a static cluster: the one named, else the one whose URL is an address of this host. */
function ownEntry(cluster: readonly ClusterMember[], request: InitRequest, host: HostDefaults): ClusterMember {
  const wanted = request.name;
  const named = cluster.find((member) => member.name === wanted);
  if (wanted !== undefined && !named) throw usage(`--initial-cluster has no member named ${wanted}`);
  if (named) return named;
  const here = cluster.filter(
    ({ peerUrls: [url] }) => url?.ip && (request.ip ? printIp(url.ip) === printIp(request.ip) : isHostAddress(url.ip)),
  );
  if (here.length === 1 && here[0]) return here[0];
  const byHostname = cluster.find((member) => member.name === plainName(host.hostname));
  if (byHostname) return byHostname;
  const why = here.length === 0 ? 'no member has an address of this host' : `several could: ${printCluster(here)}`;
  throw usage(`which member of --initial-cluster is this host? ${why}; pass --name`);
}

/** A static cluster says what is open in the request. */
export function fromCluster(request: InitRequest, host: HostDefaults): InitRequest {
  if (request.wish?.kind !== 'static') return request;
  const entry = ownEntry(request.wish.cluster, request, host);
  const url = entry.peerUrls[0];
  return {
    name: entry.name,
    ...(url?.ip && { ip: url.ip }),
    ...(url && { peerPort: url.port }),
    ...request,
  };
}

/** Flags without which nothing can be started and which nobody can be asked for, in words. */
export function missingFlags(request: InitRequest, host: HostDefaults, yes: boolean): readonly string[] {
  const missing: string[] = [];
  if (!request.wish && !yes) {
    missing.push(
      'one of --discovery URL, --new-discovery URL, --discovery-token TOKEN, --discovery-srv DOMAIN, --initial-cluster NAME=URL,… and --yes (a cluster of this host alone)',
    );
  }
  if (request.wish && request.wish.kind !== 'alone' && !request.security)
    missing.push('--ca-cert and --ca-key (the CA all members share), or --insecure (plain http)');
  const open = request.wish?.kind === 'static' ? fromCluster(request, host) : request;
  if (!open.ip && !obviousAddress(host.addresses))
    missing.push(`--advertise-ip (no default route decides among ${listed(host.addresses)})`);
  return missing;
}

const bootstrapOf = (wish: Wish): Bootstrap => {
  if (wish.kind === 'alone') return { kind: 'alone', token: `tsflannel-${randomBytes(8).toString('hex')}` };
  if (wish.kind === 'new' || wish.kind === 'srv') throw new Error('the service has to be asked first');
  return wish;
};

/** Without a word on it a cluster begun here gets a CA of its own; where several hosts begin it together, none can hand them one. */
function securityOf(wish: Wish, given: Security | undefined): Security {
  if (given) return given;
  if (wish.kind === 'alone') return { kind: 'own' };
  const how = wish.kind === 'static' && !wish.srv ? 'a list of members' : 'discovery';
  throw new TsflannelError('CA_NEEDED', {
    detail: `${how} distributes no CA: give each member the same --ca-cert and --ca-key; or begin with one member ('tsflannel init') and let the others join it by a token; or say --insecure (plain http, for a lab)`,
  });
}

/** The request with every gap filled. Throws USAGE; CA_NEEDED; ADVERTISE_IP where no address is obvious. */
export function fillRequest(request: InitRequest, host: HostDefaults): Required<InitRequest> {
  const given = fromCluster(request, host);
  const ip = given.ip ?? obviousAddress(host.addresses)?.ip;
  if (!ip) throw new TsflannelError('ADVERTISE_IP', { detail: listed(host.addresses) });
  if (!isHostAddress(ip))
    throw usage(`--advertise-ip ${printIp(ip)} is not an address of this host, which has ${listed(host.addresses)}`);
  const wish = given.wish ?? { kind: 'alone' };
  return {
    wish,
    name: given.name ?? plainName(host.hostname),
    ip,
    clientPort: given.clientPort ?? CLIENT_PORT,
    peerPort: given.peerPort ?? PEER_PORT,
    joinPort: given.joinPort ?? JOIN_PORT,
    security: securityOf(wish, given.security),
  };
}

/** Throws USAGE where the list of members and the flags disagree on TLS. */
function checkScheme(cluster: readonly ClusterMember[], secure: boolean): void {
  const other = cluster.flatMap((one) => one.peerUrls).find((url) => url.secure !== secure);
  if (!other) return;
  const url = printEndpoint(other);
  throw usage(
    secure
      ? `--initial-cluster: ${url}: with TLS it is https://`
      : `--insecure is plain http, and --initial-cluster has ${url}`,
  );
}

/** Where a member keeps what is its own; absolute. */
export interface MemberFolders {
  readonly dataDir: string;
  /** Folder for keys and certificates. */
  readonly pki: string;
}

/** The member a full request means. Throws USAGE when a static cluster knows it under another URL. */
export function buildMember(full: Required<InitRequest>, { dataDir, pki }: MemberFolders): Member {
  const { wish, security, joinPort, ...rest } = full;
  const secure = security.kind !== 'insecure';
  const member: Member = { ...rest, dataDir, bootstrap: bootstrapOf(wish), ...(secure && { pki, joinPort }) };
  const ports = [member.clientPort, member.peerPort, ...(secure ? [joinPort] : [])];
  if (new Set(ports).size < ports.length) throw usage(`two of the ports ${ports.join(', ')} are the same`);
  return wish.kind === 'static' ? inCluster(member, wish.cluster, secure) : member;
}

/** The member as its cluster knows it: by a name where the list has one for its address. */
function inCluster(member: Member, cluster: readonly ClusterMember[], secure: boolean): Member {
  checkScheme(cluster, secure);
  const url = cluster.find(({ name }) => name === member.name)?.peerUrls[0];
  const named =
    url && printIp(url.ip ?? member.ip) === printIp(member.ip) && !parseIp(url.host.replace(/^\[|\]$/g, ''));
  const known = named ? { ...member, host: url.host } : member;
  const own = printEndpoint(peerUrl(known));
  if (url && printEndpoint(url) !== own)
    throw usage(`--initial-cluster says ${member.name}=${printEndpoint(url)}, the other flags say ${own}`);
  return known;
}

/** In what a request contradicts the member that is there; `undefined` when it says the same, or nothing. */
export function conflict(request: InitRequest, member: Member): string | undefined {
  const { wish, name, ip, clientPort, peerPort, security } = request;
  if (security && (security.kind === 'insecure') !== (member.pki === undefined))
    return member.pki === undefined ? 'its member speaks plain http' : 'its member speaks TLS';
  const other = wish && otherWish(wish, member.bootstrap);
  if (other !== undefined) return other;
  if (name !== undefined && name !== member.name) return `its member is named ${member.name}, not ${name}`;
  if (ip && printIp(ip) !== printIp(member.ip)) return `its member is at ${printIp(member.ip)}, not at ${printIp(ip)}`;
  if (clientPort !== undefined && clientPort !== member.clientPort) return `its client port is ${member.clientPort}`;
  if (peerPort !== undefined && peerPort !== member.peerPort) return `its peer port is ${member.peerPort}`;
  return undefined;
}

/** What is allowed and seldom meant. */
export function warningsOf(member: Member, size: number | undefined): readonly string[] {
  const warnings =
    member.pki === undefined ? ['plain http: whoever reaches the ports can read and change the cluster'] : [];
  if (size !== undefined && size % 2 === 0)
    warnings.push(`${size} members survive no more failures than ${size - 1}: an odd number is better`);
  if (member.ip.value >> 24n === 127n)
    warnings.push('a loopback address is advertised: no other host can reach this member');
  return warnings;
}
