import { timingSafeEqual } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, removeFile, writeFileAtomic } from '../files/atomic.ts';
import { field, parseJsonObject, wholeNumber } from '../model/parsed.ts';
import { closedFolder } from './folder.ts';
import { hashOfSecret, PURPOSES, type Purpose } from './join-token.ts';

/**
 * Tokens as this host remembers them: a file each beside the CA key, without the secret. Commands make and remove the files, the join
 * service alone notes uses and refusals in them, so that no lock is needed. Times are milliseconds since 1970.
 */
export interface TokenRecord {
  readonly id: string;
  readonly purpose: Purpose;
  /** SHA-256 of the secret, in hexadecimal. */
  readonly hash: string;
  readonly created: number;
  readonly expires: number;
  /** Prefix of flannel's keys that the joiner is told. */
  readonly prefix: string;
  readonly used?: TokenUse;
  /** How often it was shown in vain: too late, a second time, or with a wrong secret. */
  readonly refused: number;
}

export interface TokenUse {
  readonly at: number;
  readonly name: string;
  /** SHA-256 of the joiner's public key: the same joiner may come again until the token expires. */
  readonly key: string;
}

export type TokenState = 'open' | 'used' | 'expired';

export const stateOf = (token: TokenRecord, now: number): TokenState =>
  token.used ? 'used' : token.expires <= now ? 'expired' : 'open';

const ID = /^[0-9a-f]{10}$/;
const HASH = /^[0-9a-f]{64}$/;
const folderOf = (pki: string): string => join(pki, 'tokens');
const fileOf = (pki: string, id: string): string => join(folderOf(pki), `${id}.json`);

function parseUse(value: unknown): TokenUse | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const json = value as Record<string, unknown>;
  const [at, name, key] = [wholeNumber(json.at, 0, Number.MAX_SAFE_INTEGER), json.name, json.key];
  if (at === undefined || typeof name !== 'string' || typeof key !== 'string') return undefined;
  return { at, name, key };
}

/** Reads a record; `undefined` for what is none. */
export function parseRecord(text: string): TokenRecord | undefined {
  const json = parseJsonObject(text, 'token');
  if (!json.ok) return undefined;
  const get = (name: string) => field(json.value, name);
  const time = (name: string) => wholeNumber(get(name), 0, Number.MAX_SAFE_INTEGER);
  const [id, hash, prefix] = [get('id'), get('hash'), get('prefix')];
  const purpose = PURPOSES.find((one) => one === get('purpose'));
  const [created, expires, refused] = [time('created'), time('expires'), time('refused')];
  if (typeof id !== 'string' || !ID.test(id) || typeof hash !== 'string' || !HASH.test(hash)) return undefined;
  if (!purpose || created === undefined || expires === undefined || refused === undefined) return undefined;
  if (typeof prefix !== 'string') return undefined;
  const used = parseUse(get('used'));
  return { id, purpose, hash, created, expires, prefix, refused, ...(used && { used }) };
}

/** Writes a token down; the folder is made. */
export async function saveToken(pki: string, token: TokenRecord): Promise<void> {
  await closedFolder(folderOf(pki));
  await writeFileAtomic(fileOf(pki, token.id), `${JSON.stringify(token)}\n`, 0o600);
}

/** The token of this id; `undefined` for one that was never made, or was revoked. */
export async function readToken(pki: string, id: string): Promise<TokenRecord | undefined> {
  const text = ID.test(id) ? await readIfThere(fileOf(pki, id)) : undefined;
  return text === undefined ? undefined : parseRecord(text);
}

/** All tokens, the newest first. */
export async function listTokens(pki: string): Promise<readonly TokenRecord[]> {
  const names = await readdir(folderOf(pki)).catch((): string[] => []);
  const tokens = await Promise.all(names.map((name) => readToken(pki, name.replace(/\.json$/, ''))));
  return tokens.filter((token) => token !== undefined).sort((a, b) => b.created - a.created);
}

/** Takes a token back; resolves to whether there was one. */
export async function removeToken(pki: string, id: string): Promise<boolean> {
  if ((await readToken(pki, id)) === undefined) return false;
  await removeFile(fileOf(pki, id));
  return true;
}

/** Whether this is the token's secret; takes the same time whatever is wrong, and without a token too. */
export function isSecret(token: TokenRecord | undefined, secret: Uint8Array): boolean {
  const wanted = Buffer.from(token?.hash ?? '0'.repeat(64), 'hex');
  return timingSafeEqual(wanted, hashOfSecret(secret)) && token !== undefined;
}

const countFile = (pki: string): string => join(pki, 'tokens', 'unknown.count');

/** How often a token was shown that nobody made here, or that was revoked. */
export async function readUnknown(pki: string): Promise<number> {
  const text = (await readIfThere(countFile(pki)))?.trim() ?? '';
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
}

/** Adds one to {@link readUnknown}; for the join service. */
export async function countUnknown(pki: string): Promise<void> {
  await closedFolder(folderOf(pki));
  await writeFileAtomic(countFile(pki), `${(await readUnknown(pki)) + 1}\n`, 0o600);
}
