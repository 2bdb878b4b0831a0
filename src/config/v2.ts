import { accept, field, type Parsed, parseJsonObject, printable, reject, shown } from '../model/parsed.ts';

/** A lease in etcd's v2 store, not judged yet. */
export interface V2Lease {
  /** Last part of its key, `10.5.1.0-24`. */
  readonly name: string;
  readonly value: string;
  /** Seconds left; absent: it has no TTL. */
  readonly ttl?: number;
}

/** What flannel <= 0.17 keeps below its prefix in etcd's v2 store. */
export interface V2Store {
  readonly config: string;
  readonly leases: readonly V2Lease[];
  /** Other folders: networks of flannel 0.5 to 0.7, which had several. */
  readonly others: readonly string[];
  /** Other keys: not flannel's. */
  readonly strays: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/** Some thousand leases. */
export const V2_MAX_BYTES = 16 * 1024 * 1024;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const invalid = (detail: string) => reject('V2', 'the v2 store', detail);

function childrenOf(node: Json): readonly { readonly name: string; readonly node: Json }[] {
  const nodes = field(node, 'nodes');
  return (Array.isArray(nodes) ? (nodes as unknown[]) : []).filter(isObject).map((child) => {
    const key = field(child, 'key');
    return { name: typeof key === 'string' ? key.slice(key.lastIndexOf('/') + 1) : '', node: child };
  });
}

function leaseOf(name: string, node: Json): Parsed<V2Lease> {
  const value = field(node, 'value');
  if (typeof value !== 'string' || value.length > 65_536) return invalid(`${name} has no value`);
  const ttl = field(node, 'ttl');
  if (ttl === undefined) return accept({ name, value });
  return typeof ttl === 'number' && Number.isInteger(ttl)
    ? accept({ name, value, ttl })
    : invalid(`${name} has the TTL ${shown(ttl)}`);
}

/** Parses the reply to `GET /v2/keys/PREFIX?recursive=true`. */
export function parseV2(body: string): Parsed<V2Store> {
  const json = parseJsonObject(body, 'the v2 store', V2_MAX_BYTES);
  if (!json.ok) return json;
  const root = field(json.value, 'node');
  if (!isObject(root)) return invalid(`no node in it: ${printable(body)}`);
  const top = childrenOf(root);
  const config = top.find(({ name, node }) => name === 'config' && field(node, 'dir') !== true);
  const text = config && field(config.node, 'value');
  if (typeof text !== 'string') return invalid('there is no config below the prefix');
  const leases: V2Lease[] = [];
  for (const { name, node } of childrenOf(top.find(({ name: folder }) => folder === 'subnets')?.node ?? {})) {
    const lease = leaseOf(name, node);
    if (!lease.ok) return lease;
    leases.push(lease.value);
  }
  const others = top.filter(({ name, node }) => name !== 'subnets' && field(node, 'dir') === true);
  const strays = top.filter(({ name, node }) => name !== 'config' && field(node, 'dir') !== true);
  const names = (list: typeof top) => list.map(({ name }) => printable(name));
  return accept({ config: text, leases, others: names(others), strays: names(strays) });
}
