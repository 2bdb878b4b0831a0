import { type Endpoint, parseEndpoint, printEndpoint } from '../model/endpoint.ts';
import { printable } from '../model/parsed.ts';
import type { Registries } from './registries.ts';
import { lastIndex, MEMBER_ID, parseEntry, parseSizeText, placed, type Registry, TOKEN } from './registry.ts';
import {
  invalid,
  memberReply,
  membersReply,
  notAllowed,
  notFound,
  plain,
  type Reply,
  refused,
  sizeReply,
} from './replies.ts';

/** A request, read and bounded. */
export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** The `Host` header. */
  readonly host: string;
  readonly body: string;
  /** Ends a wait: the client has gone, or it took too long. */
  readonly stop: AbortSignal;
}

export interface Service {
  readonly registries: Registries;
  /** How clients reach the server; absent: by the name each used itself. */
  readonly publicUrl?: Endpoint;
}

/** A reply, or a wait that goes out as soon as its head may: etcd's client wants the head of a long poll at once. */
export type Answer = Reply | { readonly index: number; readonly later: Promise<Reply | undefined> };

async function create({ registries, publicUrl }: Service, query: URLSearchParams, host: string): Promise<Reply> {
  const size = parseSizeText(query.get('size') ?? '3');
  if (!size.ok) return plain(400, size.rejection.detail);
  const own = parseEndpoint(host, 'Host', 80);
  const base = publicUrl ?? (own.ok ? own.value : undefined);
  if (!base) return plain(400, 'the Host header is not HOST:PORT');
  const registry = await registries.create(size.value);
  return registry
    ? plain(200, `${printEndpoint(base)}/${registry.token}`)
    : plain(503, 'too many registries; they are forgotten some time after their last use');
}

/** `waitIndex` beyond what a number can hold is nobody's. */
function waitIndexOf(query: URLSearchParams, registry: Registry): number | undefined {
  const given = query.get('waitIndex');
  if (given === null) return lastIndex(registry) + 1;
  return /^[0-9]{1,15}$/.test(given) ? Number(given) : undefined;
}

function wait(
  service: Service,
  registry: Registry,
  asked: { query: URLSearchParams; id?: string; stop: AbortSignal },
): Answer {
  const from = waitIndexOf(asked.query, registry);
  if (from === undefined) return invalid('waitIndex');
  const wish = { from, ...(asked.id !== undefined && { id: asked.id }) };
  const later = service.registries
    .next(registry.token, wish, asked.stop)
    .then((member) => member && memberReply(registry, member, 'create'));
  return { index: lastIndex(registry), later };
}

async function put(service: Service, registry: Registry, id: string, asked: Asked): Promise<Reply> {
  const query = new URLSearchParams(asked.target.split('?')[1] ?? '');
  const form = new URLSearchParams(asked.body);
  const exists = query.get('prevExist') ?? form.get('prevExist');
  // Without it anybody could give a member other URLs.
  if (exists !== 'false') return invalid('prevExist=false is expected');
  const entry = parseEntry(id, form.get('value') ?? '');
  if (!entry.ok) return invalid(entry.rejection.detail);
  const next = await service.registries.add(registry.token, entry.value);
  if (!next.ok) return refused(next.rejection);
  const member = placed(next.value).find((each) => each.id === id);
  return member ? memberReply(next.value, member, 'create', 201) : notFound(id);
}

function get(service: Service, registry: Registry, id: string | undefined, asked: Asked): Answer {
  const query = new URLSearchParams(asked.target.split('?')[1] ?? '');
  if (query.get('wait') === 'true')
    return wait(service, registry, { query, stop: asked.stop, ...(id !== undefined && { id }) });
  if (id === undefined) return membersReply(registry);
  const member = placed(registry).find((each) => each.id === id);
  return member ? memberReply(registry, member, 'get') : notFound(id);
}

/** Answers one request; never throws on what a client sends. */
export async function handle(service: Service, asked: Asked): Promise<Answer> {
  const [path = '', search = ''] = asked.target.split('?');
  const { method } = asked;
  if (path === '/health') return plain(200, '{"health":"true"}');
  if (path === '/new')
    return /^(?:GET|PUT|POST)$/.test(method)
      ? create(service, new URLSearchParams(search), asked.host)
      : notAllowed(printable(method));
  const [, token = '', name = '', more = '', ...rest] = path.split('/');
  const registry = TOKEN.test(token) && rest.length === 0 ? service.registries.get(token) : undefined;
  if (!registry) return notFound(printable(path));
  if (name === '_config') return more === 'size' && method === 'GET' ? sizeReply(registry) : notFound(printable(path));
  if (more !== '' || (name !== '' && !MEMBER_ID.test(name))) return notFound(printable(path));
  if (method === 'GET') return get(service, registry, name === '' ? undefined : name, asked);
  if (method === 'PUT' && name !== '') return put(service, registry, name, asked);
  return notAllowed(printable(method));
}
