import { join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { parseEndpoints, printEndpoint } from '../model/endpoint.ts';
import { accept, field, type Parsed, parseJsonObject, reject } from '../model/parsed.ts';
import { readIfThere, writeFileAtomic } from './atomic.ts';

/** Where flannel keeps its config and leases in etcd unless told otherwise. */
export const DEFAULT_PREFIX = '/coreos.com/network';

/** Folder of client.json unless `--config-dir` says otherwise. */
export const DEFAULT_CONFIG_DIR = '/etc/tsflannel';

/** What `init` tells every later command: where etcd is and how to talk to it. Paths of TLS files are absolute; no secret is in here. */
export interface ClientConfig {
  /** `http://host:port`, at least one. */
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Data dir of the etcd member that `init` made on this host. */
  readonly dataDir?: string;
}

/** Path of client.json in this config folder. */
export const clientConfigPath = (configDir: string): string => join(configDir, 'client.json');

type Json = Readonly<Record<string, unknown>>;

function endpointsOf(json: Json): Parsed<readonly string[]> {
  const given = field(json, 'endpoints');
  if (!Array.isArray(given) || !given.every((item): item is string => typeof item === 'string'))
    return reject('ENDPOINTS', 'endpoints', 'a list of URLs is expected');
  const parsed = parseEndpoints(given, 'endpoints', 2379);
  return parsed.ok ? accept(parsed.value.map(printEndpoint)) : parsed;
}

/** A prefix of keys as etcd and flannel know it: begins with a slash, ends without one, plain characters. */
export function parseKeyPrefix(text: string, where: string): Parsed<string> {
  const trimmed = text.replace(/\/+$/, '');
  return /^(?:\/[\w.:@-]{1,64}){1,16}$/.test(trimmed)
    ? accept(trimmed)
    : reject('PREFIX', where, `${text}; /NAME/NAME is expected`);
}

const PATHS = ['caFile', 'certFile', 'keyFile', 'dataDir'] as const;

function pathOf(json: Json, name: (typeof PATHS)[number]): Parsed<Partial<ClientConfig>> {
  const given = field(json, name);
  if (given === undefined) return accept({});
  return typeof given === 'string' && given.startsWith('/') && !given.includes('\0')
    ? accept({ [name]: given })
    : reject('PATH', name, 'an absolute path is expected');
}

/** Parses client.json. Keys that it does not know are left out. */
export function parseClientConfig(text: string): Parsed<ClientConfig> {
  const json = parseJsonObject(text, 'client.json');
  if (!json.ok) return json;
  const endpoints = endpointsOf(json.value);
  if (!endpoints.ok) return endpoints;
  const given = field(json.value, 'prefix') ?? DEFAULT_PREFIX;
  const prefix = typeof given === 'string' ? parseKeyPrefix(given, 'prefix') : reject('PREFIX', 'prefix', 'not text');
  if (!prefix.ok) return prefix;
  let config: ClientConfig = { endpoints: endpoints.value, prefix: prefix.value };
  for (const name of PATHS) {
    const path = pathOf(json.value, name);
    if (!path.ok) return path;
    config = { ...config, ...path.value };
  }
  return accept(config);
}

/** client.json of this folder; `undefined` when there is none. Rejects with CLIENT_CONFIG_INVALID or FILE_UNREADABLE. */
export async function readClientConfig(configDir: string): Promise<ClientConfig | undefined> {
  const file = clientConfigPath(configDir);
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  const parsed = parseClientConfig(text);
  if (parsed.ok) return parsed.value;
  const { where, detail } = parsed.rejection;
  throw new TsflannelError('CLIENT_CONFIG_INVALID', { file, detail: `${where}: ${detail}` });
}

/** The text of client.json. */
export const printClientConfig = (config: ClientConfig): string => `${JSON.stringify(config, null, 2)}\n`;

/** Writes client.json (0600) into this folder. */
export const writeClientConfig = (configDir: string, config: ClientConfig): Promise<void> =>
  writeFileAtomic(clientConfigPath(configDir), printClientConfig(config), 0o600);
