import type { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { printIp } from '../model/address.ts';
import { closedFolder } from './folder.ts';
import { certificate, checkCa, type Identity, isDue, type Pair, publicKeyOf } from './pki.ts';

/** The part that is slow to load. */
const make = () => import('./pki-make.ts');

/** Where keys and certificates lie, all 0600 in a folder that is 0700: NAME.crt and NAME.key for ca, server, peer, client and root. */
export const pkiDirOf = (configDir: string): string => join(configDir, 'pki');

export const certFile = (dir: string, name: 'ca' | Identity['kind']): string => join(dir, `${name}.crt`);
export const keyFile = (dir: string, name: 'ca' | Identity['kind']): string => join(dir, `${name}.key`);

/** The files a client shows and trusts, as client.json and KvOptions name them. */
export const clientFiles = (dir: string, kind: 'client' | 'root' = 'client') => ({
  caFile: certFile(dir, 'ca'),
  certFile: certFile(dir, kind),
  keyFile: keyFile(dir, kind),
});

const write = (file: string, text: string): Promise<void> => writeFileAtomic(file, text, 0o600);

/** The join service this host came in by, for the renewal of its certificate. */
export const readVia = async (dir: string): Promise<string | undefined> =>
  (await readIfThere(join(dir, 'via')))?.trim();
export const writeVia = (dir: string, via: string): Promise<void> => write(join(dir, 'via'), `${via}\n`);

/** The CA certificate of this folder; `undefined` when there is none. Rejects with PKI_INVALID or FILE_UNREADABLE. */
export async function readCaCert(dir: string): Promise<X509Certificate | undefined> {
  const text = await readIfThere(certFile(dir, 'ca'));
  return text === undefined ? undefined : certificate(text);
}

/** The CA of this folder with its key; `undefined` on a host that may not sign. Rejects with PKI_INVALID or FILE_UNREADABLE. */
export async function readCa(dir: string): Promise<Pair | undefined> {
  const [cert, key] = await Promise.all([readIfThere(certFile(dir, 'ca')), readIfThere(keyFile(dir, 'ca'))]);
  if (cert === undefined || key === undefined) return undefined;
  checkCa({ cert, key });
  return { cert, key };
}

/** Paths of a CA that somebody brings. */
export interface CaFiles {
  readonly cert: string;
  readonly key: string;
}

const given = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: Error) => {
    throw new TsflannelError('FILE_UNREADABLE', { file, detail: error.message }, error);
  });

/** Reads and checks a CA that somebody brings. Rejects with PKI_INVALID or FILE_UNREADABLE. */
export async function readGivenCa(files: CaFiles): Promise<Pair> {
  const [cert, key] = await Promise.all([given(files.cert), given(files.key)]);
  checkCa({ cert, key });
  return { cert, key };
}

const sameCertificate = (a: string, b: string): boolean =>
  certificate(a).fingerprint256 === certificate(b).fingerprint256;

/** The CA of this folder: the one that is there, the one brought, or a new one. Rejects with PKI_INVALID where two differ. */
export async function ensureCa(dir: string, brought?: CaFiles): Promise<Pair> {
  await closedFolder(dir);
  const wanted = brought && (await readGivenCa(brought));
  const there = await readCa(dir);
  if (there && wanted && !sameCertificate(there.cert, wanted.cert))
    throw new TsflannelError('PKI_INVALID', { detail: `${dir} holds another CA than ${brought?.cert}` });
  if (there) return there;
  const foreign = await readCaCert(dir);
  if (foreign && !(wanted && sameCertificate(foreign.toString(), wanted.cert)))
    throw new TsflannelError('PKI_INVALID', {
      detail: `${dir} has a CA certificate without its key: this host is a client of another cluster; remove the folder to leave that one`,
    });
  const ca = wanted ?? (await (await make()).newCa());
  // The key first: a certificate without it would look like the CA of a host that may not sign.
  await write(keyFile(dir, 'ca'), ca.key);
  await write(certFile(dir, 'ca'), ca.cert);
  return ca;
}

/** The private key of this kind; made where there is none. */
export async function ensureKey(dir: string, kind: Identity['kind']): Promise<string> {
  await closedFolder(dir);
  const there = await readIfThere(keyFile(dir, kind));
  if (there !== undefined) return there;
  const key = await (await make()).newKey();
  await write(keyFile(dir, kind), key);
  return key;
}

/** Writes a certificate; its key is there. Readers see the old one or the new one, both of the same key. */
export const writeCert = (dir: string, kind: 'ca' | Identity['kind'], cert: string): Promise<void> =>
  write(certFile(dir, kind), cert);

function fits(text: string | undefined, spki: Buffer, ca: X509Certificate, identity: Identity): boolean {
  if (text === undefined) return false;
  const cert = certificate(text);
  const same = cert.publicKey.export({ format: 'der', type: 'spki' }).equals(spki);
  const named =
    identity.kind === 'peer' || identity.kind === 'root' || cert.subject.split(':').at(-1) === identity.name;
  const reached = identity.kind === 'client' || identity.kind === 'root';
  const addressed = reached || identity.ips.every((ip) => cert.checkIP(printIp(ip)) !== undefined);
  return same && named && addressed && cert.verify(ca.publicKey) && !isDue(cert);
}

/** Makes what is missing, does not fit or is due, with this CA; resolves to the kinds that were made. */
export async function ensureCerts(
  dir: string,
  ca: Pair,
  identities: readonly Identity[],
): Promise<readonly Identity['kind'][]> {
  const made: Identity['kind'][] = [];
  const authority = certificate(ca.cert);
  for (const identity of identities) {
    const spki = publicKeyOf(await ensureKey(dir, identity.kind));
    if (fits(await readIfThere(certFile(dir, identity.kind)), spki, authority, identity)) continue;
    await writeCert(dir, identity.kind, await (await make()).issue(ca, spki, identity));
    made.push(identity.kind);
  }
  return made;
}
