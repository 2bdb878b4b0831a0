import { randomBytes } from 'node:crypto';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { accept, type Parsed, reject } from '../model/parsed.ts';
import type { Kv } from '../store/kv.ts';
import { parseRegistered, parseSizeText, type RegisteredMember, type Registry } from './discovery.ts';
import { type OpenKv, withKv } from './members.ts';

/**
 * Client of etcd's v3 discovery: a registry is some keys of any etcd that can be reached, a size and a member each, named by a token.
 * etcd itself speaks it from 3.6 on (`--discovery-token`, `--discovery-endpoints`); spoken from here it serves every etcd.
 */
export interface V3Registry {
  /** Names the registry, and is the cluster's token. */
  readonly token: string;
  /** Of the etcd that holds the registry. */
  readonly endpoints: readonly string[];
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** etcd's own prefix (v3discovery/discovery.go). */
const ROOT = '/_etcd/registry';
const TIMEOUT_MS = 10_000;

/** A token is part of a key, and of an environment. */
export function parseDiscoveryToken(text: string): Parsed<string> {
  const token = text.trim();
  return /^[\w.-]{4,128}$/.test(token) && !/^\.+$/.test(token)
    ? accept(token)
    : reject('TOKEN', 'token', 'a discovery token is 4 to 128 letters, digits, dots, dashes and underscores');
}

/** What cannot be had now may be had later; the rest is for the caller as it is. */
function failure(error: unknown, { endpoints }: Pick<V3Registry, 'endpoints'>): TsflannelError {
  const ours = asTsflannelError(error);
  const detail = `${endpoints.join(', ')}: ${ours.why}`;
  if (['ETCD_UNREACHABLE', 'ETCD_TIMEOUT', 'ETCD_NO_QUORUM'].includes(ours.code))
    return new TsflannelError('DISCOVERY_UNREACHABLE', { detail }, error);
  return ours.code === 'ETCD_FAILED' ? new TsflannelError('DISCOVERY_INVALID', { detail }, error) : ours;
}

async function use<T>(open: OpenKv, place: Omit<V3Registry, 'token'>, call: (kv: Kv) => Promise<T>): Promise<T> {
  const { endpoints, caFile, certFile, keyFile } = place;
  const files = { ...(caFile && { caFile }), ...(certFile && { certFile }), ...(keyFile && { keyFile }) };
  return withKv(open, { ...files, endpoints, timeoutMs: TIMEOUT_MS }, call).catch((error: unknown) => {
    throw failure(error, place);
  });
}

const invalid = ({ endpoints }: V3Registry, detail: string): TsflannelError =>
  new TsflannelError('DISCOVERY_INVALID', { detail: `${endpoints.join(', ')}: ${detail}` });

/** Size and members of the registry. Rejects with DISCOVERY_UNREACHABLE, DISCOVERY_INVALID, ETCD_AUTH, ETCD_TLS or CERT_…. */
export async function readV3(open: OpenKv, registry: V3Registry): Promise<Registry> {
  const root = `${ROOT}/${registry.token}`;
  const [sizes, all] = await use(open, registry, async (kv) => [
    await kv.range(`${root}/_config/size`, { exact: true }),
    await kv.range(`${root}/members/`),
  ]);
  const value = sizes?.kvs[0]?.value;
  if (value === undefined) throw invalid(registry, "it does not know this token; 'tsflannel discovery new' makes one");
  const size = parseSizeText(value);
  if (!size.ok) throw invalid(registry, size.rejection.detail);
  const kvs = [...(all?.kvs ?? [])].sort((a, b) => (a.createRevision < b.createRevision ? -1 : 1));
  const members = kvs.map(({ key, value: text }): RegisteredMember => {
    const member = parseRegistered(key.slice(key.lastIndexOf('/') + 1), text);
    if (member.ok) return member.value;
    throw invalid(registry, `${member.rejection.where}: ${member.rejection.detail}`);
  });
  return { size: size.value, members };
}

/** Puts a member into the registry; `false` when its id is in there already. Rejects as {@link readV3}. */
export async function registerV3(open: OpenKv, registry: V3Registry, id: string, value: string): Promise<boolean> {
  const key = `${ROOT}/${registry.token}/members/${id}`;
  const put = (kv: Kv) => kv.txn([{ target: 'create', key, revision: 0n }], [{ op: 'put', key, value }]);
  return (await use(open, registry, put)).succeeded;
}

/** Makes a registry for a cluster of this size. Rejects as {@link readV3}. */
export async function newV3(open: OpenKv, place: Omit<V3Registry, 'token'>, size: number): Promise<V3Registry> {
  const token = randomBytes(16).toString('hex');
  const key = `${ROOT}/${token}/_config/size`;
  await use(open, place, (kv) =>
    kv.txn([{ target: 'create', key, revision: 0n }], [{ op: 'put', key, value: String(size) }]),
  );
  return { ...place, token };
}
