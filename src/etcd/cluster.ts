/**
 * etcd/ bootstraps the etcd member of this host and looks after it: discovery, the member's plan, its data dir, the supervised process,
 * the member table. It knows etcd's flags and files and the discovery protocols; it must not know flannel's keys, leases or the kernel,
 * and it reaches the key-value API only through the `OpenKv` a command hands it.
 */
import { createHash } from 'node:crypto';
import { type Endpoint, parseEndpoint, printEndpoint } from '../model/endpoint.ts';
import { NODE_NAME } from '../model/lease.ts';
import { accept, type Parsed, reject } from '../model/parsed.ts';

/** One member of a cluster that is being formed. */
export interface ClusterMember {
  readonly name: string;
  readonly peerUrls: readonly Endpoint[];
}

/** Default port of etcd's peers. */
export const PEER_PORT = 2380;

/** etcd itself refuses peer URLs without a port. */
function parsePeerUrl(text: string, where: string): Parsed<Endpoint> {
  const endpoint = parseEndpoint(text, where, 0);
  if (endpoint.ok && !/^https?:\/\//.test(text.trim()))
    return reject('PEER_URL', where, `${text} is not http://HOST:PORT`);
  return endpoint;
}

/**
 * `name=url,name=url,…`, as `--initial-cluster` and the values in a discovery registry have it (`&` separates there too). A name may
 * come several times: that member has several URLs.
 */
export function parseCluster(text: string, where: string): Parsed<readonly ClusterMember[]> {
  const members = new Map<string, Endpoint[]>();
  for (const item of text.split(/[,&]/)) {
    const at = item.indexOf('=');
    const name = item.slice(0, Math.max(at, 0)).trim();
    if (!NODE_NAME.test(name)) return reject('MEMBER_NAME', where, `${item} is not NAME=http://HOST:PORT`);
    const url = parsePeerUrl(item.slice(at + 1), where);
    if (!url.ok) return url;
    members.set(name, [...(members.get(name) ?? []), url.value]);
  }
  return accept([...members].map(([name, peerUrls]) => ({ name, peerUrls })));
}

/** The members as etcd's `--initial-cluster` takes them, sorted by name. */
export const printCluster = (members: readonly ClusterMember[]): string =>
  [...members]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((member) => member.peerUrls.map((url) => `${member.name}=${printEndpoint(url)}`))
    .join(',');

/**
 * The id etcd gives a founding member: the first 8 bytes of sha1(peer URLs sorted, then the cluster token), in hexadecimal without leading
 * zeros (membership/member.go newMember). With discovery the token is the discovery URL as given.
 */
export function memberId(peerUrls: readonly Endpoint[], token: string): string {
  const urls = peerUrls.map(printEndpoint).sort().join('');
  return createHash('sha1').update(`${urls}${token}`).digest().readBigUInt64BE(0).toString(16);
}
