import { existsSync } from 'node:fs';
import { TsflannelError } from '../errors.ts';
import { DEFAULT_PREFIX, readClientConfig } from '../files/client-config.ts';
import { duration } from '../model/duration.ts';
import { printable } from '../model/parsed.ts';
import { hashOfSecret, newId, newSecret, type Purpose, printToken } from './join-token.ts';
import { type Member, memberFile } from './member.ts';
import { readMember } from './member-file.ts';
import { hashOfCa } from './pki.ts';
import { keyFile, readCaCert } from './pki-files.ts';
import * as files from './token-files.ts';

/** Seconds a token is good for unless something else is said. */
export const TOKEN_SECONDS = 86_400;
/** How long a token that is of no use any more stays in the list. */
const KEPT_MS = 7 * 86_400_000;

/** A token as it is handed out: the only moment its secret is known here. */
export interface NewToken {
  readonly id: string;
  readonly purpose: Purpose;
  readonly token: string;
  readonly expires: number;
}

/** The member of this host, where it may sign. Rejects with ETCD_NOT_MANAGED or NO_CA_KEY. */
export async function signingMember(
  dataDir: string,
): Promise<Member & { readonly pki: string; readonly joinPort: number }> {
  const member = await readMember(memberFile(dataDir));
  if (!member) throw new TsflannelError('ETCD_NOT_MANAGED', { dir: dataDir });
  const { pki, joinPort } = member;
  if (pki === undefined || joinPort === undefined)
    throw new TsflannelError('NO_CA_KEY', { file: 'CA key: the member speaks plain http' });
  if (!existsSync(keyFile(pki, 'ca'))) throw new TsflannelError('NO_CA_KEY', { file: keyFile(pki, 'ca') });
  return { ...member, pki, joinPort };
}

/** Makes a token by which one host can join. Rejects as {@link signingMember}. */
export async function createToken(
  dataDir: string,
  configDir: string,
  wish: { readonly purpose: Purpose; readonly seconds: number },
): Promise<NewToken> {
  const { pki, ip, joinPort } = await signingMember(dataDir);
  const ca = await readCaCert(pki);
  if (!ca) throw new TsflannelError('NO_CA_KEY', { file: keyFile(pki, 'ca') });
  const { purpose, seconds } = wish;
  const [id, secret, created] = [newId(), newSecret(), Date.now()];
  const expires = created + seconds * 1000;
  const prefix = (await readClientConfig(configDir))?.prefix ?? DEFAULT_PREFIX;
  const hash = hashOfSecret(secret).toString('hex');
  await files.saveToken(pki, { id, purpose, hash, created, expires, prefix, refused: 0 });
  const token = printToken({ purpose, ip, port: joinPort, caHash: hashOfCa(ca), id, secret });
  return { id, purpose, token, expires };
}

/** Tokens of this host; those that have been of no use for a week are forgotten. Rejects as {@link signingMember}. */
export async function listTokens(dataDir: string, now = Date.now()) {
  const { pki } = await signingMember(dataDir);
  const all = await files.listTokens(pki);
  const old = all.filter((token) => now > token.expires + KEPT_MS);
  for (const { id } of old) await files.removeToken(pki, id);
  return { tokens: all.filter((token) => !old.includes(token)), unknown: await files.readUnknown(pki) };
}

/** Takes a token back; resolves to whether there was one. Rejects as {@link signingMember}. */
export async function revokeToken(dataDir: string, id: string, dryRun: boolean): Promise<boolean> {
  const { pki } = await signingMember(dataDir);
  return dryRun ? (await files.readToken(pki, id)) !== undefined : files.removeToken(pki, id);
}

export const TOKEN_HEADS = ['id', 'for', 'state', 'expires', 'used by', 'refused'] as const;

export const tokenCells = (token: files.TokenRecord, now: number): readonly string[] => [
  token.id,
  token.purpose,
  files.stateOf(token, now),
  token.expires <= now ? '-' : `in ${duration((token.expires - now) / 1000)}`,
  token.used ? printable(token.used.name) : '-',
  String(token.refused),
];

/** A token for `--json`: no hash, no key. */
export const tokenData = (token: files.TokenRecord, now: number): Record<string, unknown> => ({
  id: token.id,
  purpose: token.purpose,
  state: files.stateOf(token, now),
  expires: new Date(token.expires).toISOString(),
  ...(token.used && { usedBy: token.used.name, usedAt: new Date(token.used.at).toISOString() }),
  refused: token.refused,
});
