import { TsflannelError } from '../errors.ts';
import { accept, field, type Parsed, parseJsonObject, printable, reject, shown } from '../model/parsed.ts';
import { type ClusterMember, parseCluster } from './cluster.ts';
import { type Reply, request } from './http.ts';

/**
 * Client of etcd's v2 discovery protocol: a URL names a registry with a size and the members that came so far. The registry is an
 * etcd v2 directory, so a reply is that API's JSON.
 */
export interface Registry {
  readonly size: number;
  /** In the order they came; only the first `size` count. */
  readonly members: readonly RegisteredMember[];
}

export interface RegisteredMember extends ClusterMember {
  /** Hexadecimal, as {@link memberId} makes it. */
  readonly id: string;
}

/** Deadline of one request in milliseconds. */
const TIMEOUT_MS = 10_000;

/** etcd works to 7 members; a registry that asks for more than this is a mistake. */
export const MAX_SIZE = 31;

/** A discovery URL, kept as given: its text is the token from which etcd makes the cluster id. */
export function parseDiscoveryUrl(text: string): Parsed<string> {
  const given = text.trim();
  const url = URL.parse(given);
  if (!url || given.length > 400 || /[^\x21-\x7e]/.test(given)) return reject('URL', 'discovery', given);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return reject('URL', 'discovery', `${given} is not http or https`);
  if (url.username || url.password || url.search || url.hash)
    return reject('URL', 'discovery', `${url.origin} with credentials, a query or a fragment`);
  if (url.pathname.replaceAll('/', '').length < 4)
    return reject('URL', 'discovery', `${given} has no token; get one from …/new?size=3`);
  return accept(given);
}

const under = (url: string, path: string): string => `${url.replace(/\/+$/, '')}${path}`;

const invalid = (detail: string): TsflannelError => new TsflannelError('DISCOVERY_INVALID', { detail });

async function ask(url: string, put?: { readonly value: string }): Promise<Reply> {
  const reply = await request(url, TIMEOUT_MS, put);
  if (reply.ok && reply.value.status < 500) return reply.value;
  const detail = reply.ok ? `HTTP ${reply.value.status}: ${printable(reply.value.body)}` : reply.rejection.detail;
  throw new TsflannelError('DISCOVERY_UNREACHABLE', { detail: `${url}: ${detail}` });
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

function nodeOf(body: string): Parsed<Json> {
  const json = parseJsonObject(body, 'reply', 262_144);
  if (!json.ok) return json;
  const node = field(json.value, 'node');
  return isObject(node) ? accept(node) : reject('REPLY', 'reply', 'no node in it');
}

/** Parses the size a registry holds. */
export function parseSizeText(value: unknown): Parsed<number> {
  const size = typeof value === 'string' && /^[1-9][0-9]{0,3}$/.test(value) ? Number(value) : 0;
  return size >= 1 && size <= MAX_SIZE
    ? accept(size)
    : reject('SIZE', 'size', `${shown(value)}; 1 to ${MAX_SIZE} is expected`);
}

/** Parses the reply to `GET URL/_config/size`. */
export function parseSize(body: string): Parsed<number> {
  const node = nodeOf(body);
  return node.ok ? parseSizeText(field(node.value, 'value')) : node;
}

/** Parses one member of a registry: its id, and `name=url` as it was registered. */
export function parseRegistered(id: string, value: unknown): Parsed<RegisteredMember> {
  if (!/^[0-9a-f]{1,16}$/.test(id)) return reject('MEMBER', 'key', shown(id));
  if (typeof value !== 'string' || value.length > 1000) return reject('MEMBER', id, 'no value of sensible length');
  const members = parseCluster(value, id);
  if (!members.ok) return members;
  const member = members.value[0];
  if (!member || members.value.length !== 1) return reject('MEMBER', id, `${value} names more than one member`);
  return accept({ ...member, id });
}

function parseMember(node: unknown): Parsed<RegisteredMember & { readonly order: number }> {
  if (!isObject(node)) return reject('MEMBER', 'node', 'not an object');
  const { key, value, createdIndex } = node;
  const member = parseRegistered(typeof key === 'string' ? key.slice(key.lastIndexOf('/') + 1) : '', value);
  if (!member.ok) return member;
  if (typeof createdIndex !== 'number' || !Number.isSafeInteger(createdIndex))
    return reject('MEMBER', member.value.id, 'no createdIndex');
  return accept({ ...member.value, order: createdIndex });
}

/** Parses the reply to `GET URL`: the members in the order they came. */
export function parseMembers(body: string): Parsed<readonly RegisteredMember[]> {
  const node = nodeOf(body);
  if (!node.ok) return node;
  const nodes = field(node.value, 'nodes') ?? [];
  if (!Array.isArray(nodes)) return reject('REPLY', 'nodes', 'not a list');
  const members: (RegisteredMember & { order: number })[] = [];
  for (const item of nodes) {
    const key = isObject(item) ? item.key : undefined;
    // A v2 etcd hides `_config`; a service of another make may list it.
    if (typeof key === 'string' && key.endsWith('/_config')) continue;
    const member = parseMember(item);
    if (!member.ok) return member;
    members.push(member.value);
  }
  return accept(members.sort((a, b) => a.order - b.order).map(({ order: _, ...member }) => member));
}

const unwrap = <T>(parsed: Parsed<T>, url: string): T => {
  if (parsed.ok) return parsed.value;
  const { where, detail } = parsed.rejection;
  throw invalid(`${url}: ${where}: ${detail}`);
};

/** An etcd of 3.6 or newer, and an older one without --enable-v2, answers 404 to all of the v2 API; it tells its version, which no discovery service does. */
async function refuseV3Only(url: string): Promise<void> {
  const { origin } = new URL(url);
  const reply = await request(`${origin}/version`, TIMEOUT_MS);
  const json = reply.ok && reply.value.status === 200 ? parseJsonObject(reply.value.body, 'version', 1000) : undefined;
  const version = json?.ok ? field(json.value, 'etcdserver') : undefined;
  if (typeof version !== 'string') return;
  const detail = `it is etcd ${printable(version)} and has no v2 API here (3.6 has none, older ones need --enable-v2): make a token with 'tsflannel discovery new --discovery-endpoints ${origin}' for --discovery-token`;
  throw new TsflannelError('DISCOVERY_VERSION', { address: origin, detail });
}

async function get<T>(url: string, parse: (body: string) => Parsed<T>): Promise<T> {
  const reply = await ask(url);
  if (reply.status === 404) {
    await refuseV3Only(url);
    throw invalid(`${url}: the service does not know this token (expired, or mistyped)`);
  }
  if (reply.status !== 200) throw invalid(`${url}: HTTP ${reply.status}: ${printable(reply.body)}`);
  return unwrap(parse(reply.body), url);
}

/** Size and members of the registry behind a discovery URL. Rejects with DISCOVERY_UNREACHABLE or DISCOVERY_INVALID. */
export async function readDiscovery(url: string): Promise<Registry> {
  const size = await get(under(url, '/_config/size'), parseSize);
  const members = await get(url, parseMembers);
  return { size, members };
}

/** The URL to ask for a new registry: `base` may be the service's address or its `/new`. */
export function newUrlOf(base: string, size: number): string {
  const url = URL.parse(base.trim());
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password)
    throw invalid(`${printable(base)} is not the http or https address of a discovery service`);
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}${path.endsWith('/new') ? path : `${path}/new`}?size=${size}`;
}

/** Asks a discovery service for a registry of this size. Rejects as {@link readDiscovery}. */
export async function newDiscoveryUrl(base: string, size: number): Promise<string> {
  const asked = newUrlOf(base, size);
  const reply = await ask(asked);
  if (reply.status !== 200) throw invalid(`${asked}: HTTP ${reply.status}: ${printable(reply.body)}`);
  return unwrap(parseDiscoveryUrl(reply.body), asked);
}

/** Puts a member into the registry; `false` when its id is in there already. Rejects as {@link readDiscovery}. */
export async function register(url: string, id: string, value: string): Promise<boolean> {
  const to = under(url, `/${id}?prevExist=false`);
  const reply = await ask(to, { value });
  if (reply.status === 201 || reply.status === 200) return true;
  if (reply.status === 412) return false;
  throw invalid(`${to}: HTTP ${reply.status}: ${printable(reply.body)}`);
}
