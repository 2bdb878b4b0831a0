import { lookup, Resolver } from 'node:dns/promises';
import { TsflannelError } from '../errors.ts';
import { parseIp } from '../model/address.ts';
import { type Endpoint, parseEndpoint } from '../model/endpoint.ts';
import { NODE_NAME } from '../model/lease.ts';
import { accept, type Parsed, printable, reject } from '../model/parsed.ts';
import type { ClusterMember } from './cluster.ts';
import { MAX_SIZE } from './discovery.ts';

/**
 * The members of a cluster in the DNS, as etcd's `--discovery-srv` has it: `_etcd-server-ssl._tcp.DOMAIN` (plain http:
 * `_etcd-server._tcp.DOMAIN`) names a host and a peer port each. The records are there before the members, so that there is nothing to
 * wait for: looked up once, they are a static cluster whose peer URLs have names.
 */
export interface Srv {
  readonly domain: string;
  /** More of the service's name, as `--discovery-srv-name` has it. */
  readonly name?: string;
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

export function parseSrv(domain: string, name?: string): Parsed<Srv> {
  const plain = domain.trim().replace(/\.$/, '');
  if (plain.length > 200 || !plain.split('.').every((label) => LABEL.test(label)))
    return reject('SRV', 'domain', `${printable(domain)} is not a domain`);
  if (name !== undefined && !/^[a-z0-9-]{1,40}$/i.test(name))
    return reject('SRV', 'name', `${printable(name)}: letters, digits and dashes make a name`);
  return accept({ domain: plain, ...(name !== undefined && { name }) });
}

/** The service under which members are found. */
export const serviceName = ({ domain, name }: Srv, secure: boolean): string =>
  `_etcd-server${secure ? '-ssl' : ''}${name === undefined ? '' : `-${name}`}._tcp.${domain}`;

interface Target {
  readonly name: string;
  readonly port: number;
}

/** What the DNS says when there is nothing: an answer, and not a failure of the service. */
const NOTHING = new Set(['ENOTFOUND', 'ENODATA']);
const TIMEOUT_MS = 5000;

const unreachable = (what: string, error: unknown): TsflannelError =>
  new TsflannelError('DISCOVERY_UNREACHABLE', { detail: `${what}: ${(error as Error).message}` }, error);

async function targetsOf(service: string): Promise<readonly Target[]> {
  try {
    return await new Resolver({ timeout: TIMEOUT_MS, tries: 2 }).resolveSrv(service);
  } catch (error) {
    if (NOTHING.has((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw unreachable(`DNS, ${service}`, error);
  }
}

const missing = (domain: string, detail: string): TsflannelError =>
  new TsflannelError('DISCOVERY_SRV', { domain, detail });

/** The peer URL as the DNS names it, with the address it has now. */
async function endpointOf({ name, port }: Target, secure: boolean, domain: string): Promise<Endpoint> {
  const parsed = parseEndpoint(`${secure ? 'https' : 'http'}://${name.replace(/\.$/, '')}:${port}`, 'SRV', 0);
  if (!parsed.ok || parsed.value.ip) throw missing(domain, `its record ${printable(name)}:${port} is no host and port`);
  try {
    const ip = parseIp((await lookup(parsed.value.host, { family: 4 })).address);
    return { ...parsed.value, ...(ip && { ip }) };
  } catch (error) {
    if (!NOTHING.has((error as NodeJS.ErrnoException).code ?? '')) throw unreachable(`DNS, ${name}`, error);
    throw missing(domain, `its member ${printable(name)} has no address`);
  }
}

/** Members need names; the hosts' own are as good as any, since etcd makes ids of URLs. */
function named(endpoints: readonly Endpoint[], domain: string): readonly ClusterMember[] {
  const short = endpoints.map(({ host }) => host.toLowerCase().replace(`.${domain.toLowerCase()}`, ''));
  const plain = short.every((name) => NODE_NAME.test(name)) && new Set(short).size === short.length;
  return endpoints.map((url, index) => ({
    name: plain ? (short[index] ?? '') : `srv-${index + 1}`,
    peerUrls: [url],
  }));
}

/** Looks the members up. Rejects with DISCOVERY_SRV, where there are none, or DISCOVERY_UNREACHABLE. */
export async function lookUpSrv(srv: Srv, secure: boolean): Promise<readonly ClusterMember[]> {
  const { domain } = srv;
  const service = serviceName(srv, secure);
  const found = new Map((await targetsOf(service)).map(({ name, port }) => [`${name}:${port}`, { name, port }]));
  const targets = [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  if (targets.length === 0) {
    const other = await targetsOf(serviceName(srv, !secure)).catch(() => []);
    const hint = `; there is ${serviceName(srv, !secure)}: its members ${secure ? 'speak plain http (--insecure)' : 'speak TLS'}`;
    throw missing(domain, `there is no record ${service}${other.length > 0 ? hint : ''}`);
  }
  if (targets.length > MAX_SIZE) throw missing(domain, `${service} has ${targets.length} records`);
  const endpoints = await Promise.all(targets.map((target) => endpointOf(target, secure, domain)));
  return named(endpoints, domain);
}
