import 'reflect-metadata';
import { createPrivateKey, createPublicKey, randomBytes, webcrypto, type X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { printIp } from '../model/address.ts';
import { algorithmOf, certificate, ECDSA, type Identity, invalid, type Pair, PEER_NAME, privateKey } from './pki.ts';

/** Makes keys, requests and certificates. Loaded lazily: the library is slow to load, and wants reflect-metadata there before it. */

const DAY_MS = 86_400_000;
/** A clock that is behind must not refuse what is new. */
const BACKDATE_MS = 3_600_000;
/** Days a certificate and a CA are good for. */
export const VALID_DAYS = { leaf: 365, ca: 3650 } as const;

/** A new private key. */
export async function newKey(): Promise<string> {
  const pair = await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify']);
  const der = await webcrypto.subtle.exportKey('pkcs8', pair.privateKey);
  const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** The key pair as the library wants it. */
async function keysOf(pem: string) {
  const key = privateKey(pem);
  const algorithm = algorithmOf(key);
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
  return {
    algorithm,
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
  };
}

/** Positive, not zero, at most 16 bytes. */
const serial = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
};

const period = (days: number, now: number) => ({
  notBefore: new Date(now - BACKDATE_MS),
  notAfter: new Date(now + days * DAY_MS),
});

/** A CA of its own, with its key. */
export async function newCa(now = Date.now()): Promise<Pair> {
  const key = await newKey();
  const { algorithm, ...keys } = await keysOf(key);
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: [{ CN: [`tsflannel etcd CA ${randomBytes(4).toString('hex')}`] }],
    ...period(VALID_DAYS.ca, now),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: `${cert.toString('pem')}\n`, key };
}

/** A request for a certificate of this key: it shows that who asks has the key. What the certificate says is the signer's to decide. */
export async function newRequest(key: string): Promise<string> {
  const { algorithm, ...keys } = await keysOf(key);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm });
  return `${csr.toString('pem')}\n`;
}

/** The public key (SPKI, DER) of a request made with the matching private key: P-256 only. Rejects with PKI_INVALID. */
export async function requestedKey(pem: string): Promise<Buffer> {
  try {
    const csr = new x509.Pkcs10CertificateRequest(pem);
    const key = createPublicKey({ key: Buffer.from(csr.publicKey.rawData), format: 'der', type: 'spki' });
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('the key is not on P-256');
    if (!(await csr.verify())) throw new Error('it is not signed by its own key');
    return Buffer.from(csr.publicKey.rawData);
  } catch (error) {
    throw invalid(`this is no certificate request: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

const LOOPBACK: readonly string[] = ['127.0.0.1', '::1'];

const commonName = ({ kind, name }: Identity): string => {
  if (kind === 'peer') return PEER_NAME;
  // etcd's own name for who may do all; only a holder of the CA key can make one.
  if (kind === 'root') return 'root';
  return kind === 'server' ? `member:${name}` : `client:${name}`;
};

const isServer = (identity: Identity): boolean => identity.kind === 'server' || identity.kind === 'peer';

async function extensionsOf(identity: Identity, publicKey: webcrypto.CryptoKey, ca: X509Certificate) {
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const ips = [...new Set([...identity.ips.map(printIp), ...LOOPBACK])].map((value) => ({
    type: 'ip' as const,
    value,
  }));
  const hosts = [...new Set([...identity.hosts, 'localhost'])].map((value) => ({ type: 'dns' as const, value }));
  // etcd dials itself with its server's certificate (the JSON gateway), so that one is a client's too.
  const usages = isServer(identity) ? [serverAuth, clientAuth] : [clientAuth];
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(usages),
    ...(isServer(identity) ? [new x509.SubjectAlternativeNameExtension([...ips, ...hosts])] : []),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(new x509.X509Certificate(ca.raw)),
  ];
}

/** Signs a certificate for this public key (SPKI, DER), good for a year and no longer than the CA. Rejects with PKI_INVALID. */
export async function issue(ca: Pair, spki: Uint8Array, identity: Identity, now = Date.now()): Promise<string> {
  const signing = await keysOf(ca.key);
  const authority = certificate(ca.cert);
  const publicKey = await webcrypto.subtle.importKey('spki', Buffer.from(spki), ECDSA, true, ['verify']);
  const { notBefore, notAfter } = period(VALID_DAYS.leaf, now);
  const last = new Date(Math.min(notAfter.getTime(), Date.parse(authority.validTo)));
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: [{ O: ['tsflannel'] }, { OU: [identity.kind] }, { CN: [commonName(identity)] }],
    issuer: new x509.X509Certificate(authority.raw).subjectName,
    notBefore,
    notAfter: last,
    publicKey,
    signingKey: signing.privateKey,
    signingAlgorithm: signing.algorithm,
    extensions: await extensionsOf(identity, publicKey, authority),
  });
  return `${cert.toString('pem')}\n`;
}
