import { createHash, type X509Certificate } from 'node:crypto';
import { type Ip, printIp } from '../model/address.ts';
import type { Admin } from '../store/admin.ts';
import type { KvOptions, MemberInfo } from '../store/kv.ts';
import * as protocol from './join-protocol.ts';
import { refuse } from './join-refuse.ts';
import type { OpenKv } from './members.ts';
import type { Identity, Pair } from './pki.ts';
import { readCa } from './pki-files.ts';

/** What the answers of the join service are made of: the cluster as one who may change it, and the CA. */
export interface ServiceOptions {
  readonly pki: string;
  /** How to reach the cluster as one who may change it. */
  readonly access: KvOptions;
  readonly openKv: OpenKv;
  readonly openAdmin: (options: KvOptions) => Promise<Admin>;
  readonly log: (line: string) => void;
  readonly now?: () => number;
}

export const urlOf = (ip: Ip, port: number): string =>
  `https://${ip.family === 6 ? `[${printIp(ip)}]` : printIp(ip)}:${port}`;

/** A member is in the list from the moment it was added; it has a name and client URLs once it has run. */
export const neverRan = ({ name, clientUrls }: MemberInfo): boolean => name === '' && clientUrls.length === 0;

export async function membersOf({ access, openKv }: ServiceOptions): Promise<readonly MemberInfo[]> {
  const kv = await openKv(access);
  try {
    return await kv.members();
  } finally {
    kv.close();
  }
}

export async function withAdmin<T>(options: ServiceOptions, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = await options.openAdmin(options.access);
  try {
    return await use(admin);
  } finally {
    admin.close();
  }
}

/** The public key of each certificate that is asked for; the keys stay with who asks. */
export async function keysOf(requests: protocol.Requests): Promise<ReadonlyMap<Identity['kind'], Buffer>> {
  const { requestedKey } = await import('./pki-make.ts');
  const keys = new Map<Identity['kind'], Buffer>();
  for (const kind of protocol.KINDS.member) {
    const pem = requests[kind];
    if (pem !== undefined) keys.set(kind, await requestedKey(pem));
  }
  return keys;
}

export const keyHash = (keys: ReadonlyMap<string, Buffer>): string =>
  createHash('sha256')
    .update(keys.get('client') ?? '')
    .digest('hex');

async function caOf(pki: string): Promise<Pair> {
  const ca = await readCa(pki);
  if (!ca) throw refuse(503, 'NO_CA', 'this member has no CA key any more');
  return ca;
}

export async function sign(
  pki: string,
  keys: ReadonlyMap<Identity['kind'], Buffer>,
  identity: Omit<Identity, 'kind'>,
): Promise<protocol.Requests> {
  const { issue } = await import('./pki-make.ts');
  const ca = await caOf(pki);
  const certs: Partial<Record<Identity['kind'], string>> = {};
  for (const [kind, key] of keys) certs[kind] = await issue(ca, key, { ...identity, kind });
  return certs;
}

/** Kind and name in a certificate of ours; a subject is read as the signer wrote it. */
export function whoIs(shown: X509Certificate | undefined): { readonly kind: string; readonly name: string } {
  const [, kind, name] =
    /^O=tsflannel\nOU=(server|client)\nCN=(?:member|client):([\w.-]+)$/.exec(shown?.subject ?? '') ?? [];
  if (!shown || kind === undefined || name === undefined)
    throw refuse(401, 'CERTIFICATE', 'a certificate of this cluster is expected');
  return { kind, name };
}
