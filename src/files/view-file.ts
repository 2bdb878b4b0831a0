import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NODE_ID } from '../model/lease.ts';
import { accept, field, type Parsed, parseJsonObject, reject } from '../model/parsed.ts';
import { readIfThere, writeFileAtomic } from './atomic.ts';

/** One key of etcd, as it was read. */
export interface SavedKey {
  readonly key: string;
  readonly value: string;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  readonly version: bigint;
  readonly lease: bigint;
}

/** What a node last saw of etcd (`<state-dir>/view.json`, 0600): what it starts with when etcd is away. */
export interface SavedView {
  /** Whose it is: a copied state folder is told by it. */
  readonly nodeId: string;
  readonly prefix: string;
  readonly clusterId: bigint;
  readonly revision: bigint;
  readonly kvs: readonly SavedKey[];
  /** When it was written, RFC 3339. For people only: clocks jump. */
  readonly savedAt: string;
}

const VERSION = 1;
const MAX_BYTES = 64 * 1024 * 1024;
/** No config and no lease is longer; what is refused anyway need not be kept. */
const MAX_VALUE = 65_536;

export const viewFilePath = (stateDir: string): string => join(stateDir, 'view.json');

const checksum = (text: string): string => createHash('sha256').update(text).digest('hex');

const printKey = ({ key, value, createRevision, modRevision, version, lease }: SavedKey): readonly string[] => [
  key,
  value,
  ...[createRevision, modRevision, version, lease].map(String),
];

/** The file's text; revisions are decimal text, since they exceed 2^53. */
export function printView({ nodeId, prefix, clusterId, revision, kvs, savedAt }: SavedView): string {
  const kept = kvs.filter(({ value }) => value.length <= MAX_VALUE).map(printKey);
  const view = { nodeId, prefix, clusterId: String(clusterId), revision: String(revision), savedAt, kvs: kept };
  const body = JSON.stringify(view);
  return `{"version":${VERSION},"sha256":"${checksum(body)}","view":${body}}\n`;
}

const number = (value: unknown): bigint | undefined =>
  typeof value === 'string' && /^(?:0|[1-9]\d{0,19})$/.test(value) ? BigInt(value) : undefined;

function parseKey(entry: unknown, prefix: string): SavedKey | undefined {
  if (!Array.isArray(entry) || entry.length !== 6) return undefined;
  const [key, value, ...rest]: unknown[] = entry;
  const [createRevision, modRevision, version, lease] = rest.map(number);
  if (typeof key !== 'string' || !key.startsWith(`${prefix}/`) || typeof value !== 'string') return undefined;
  if (createRevision === undefined || modRevision === undefined || version === undefined || lease === undefined)
    return undefined;
  return { key, value, createRevision, modRevision, version, lease };
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/;

function parseBody(view: Readonly<Record<string, unknown>>, where: string): Parsed<SavedView> {
  const [nodeId, prefix, savedAt, entries] = ['nodeId', 'prefix', 'savedAt', 'kvs'].map((name) => field(view, name));
  const [clusterId, revision] = [number(field(view, 'clusterId')), number(field(view, 'revision'))];
  if (typeof nodeId !== 'string' || !NODE_ID.test(nodeId)) return reject('VIEW_FILE', where, 'it has no node id');
  if (typeof savedAt !== 'string' || !TIME.test(savedAt)) return reject('VIEW_FILE', where, 'it has no time');
  if (typeof prefix !== 'string' || !Array.isArray(entries) || clusterId === undefined || revision === undefined)
    return reject('VIEW_FILE', where, 'it is not complete');
  const kvs = entries.map((entry) => parseKey(entry, prefix));
  const whole = kvs.filter((kv) => kv !== undefined);
  if (whole.length !== kvs.length) return reject('VIEW_FILE', where, 'one of its keys is not valid');
  return accept({ nodeId, prefix, clusterId, revision, kvs: whole, savedAt });
}

/** Takes the file's text apart; a checksum that does not fit refuses all of it. Values are as hostile as etcd's own. */
export function parseView(text: string, where: string): Parsed<SavedView> {
  const json = parseJsonObject(text, where, MAX_BYTES);
  if (!json.ok) return reject('VIEW_FILE', where, 'it is not JSON');
  if (field(json.value, 'version') !== VERSION) return reject('VIEW_FILE', where, 'it is of another version');
  const view = field(json.value, 'view');
  if (typeof view !== 'object' || view === null || Array.isArray(view))
    return reject('VIEW_FILE', where, 'it is empty');
  if (field(json.value, 'sha256') !== checksum(JSON.stringify(view)))
    return reject('VIEW_FILE', where, 'its checksum does not fit');
  return parseBody(view as Readonly<Record<string, unknown>>, where);
}

/** Atomically, 0600: values name every node. */
export const writeView = (stateDir: string, view: SavedView): Promise<void> =>
  writeFileAtomic(viewFilePath(stateDir), printView(view), 0o600);

/** `undefined` where there is none. */
export async function readView(stateDir: string): Promise<Parsed<SavedView> | undefined> {
  const path = viewFilePath(stateDir);
  const text = await readIfThere(path);
  return text === undefined ? undefined : parseView(text, path);
}

export const forgetView = (stateDir: string): Promise<void> => rm(viewFilePath(stateDir), { force: true });
