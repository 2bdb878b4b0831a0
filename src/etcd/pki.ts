import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { TsflannelError } from '../errors.ts';
import type { Ip } from '../model/address.ts';
import { timeProblem } from '../model/cert-time.ts';
import { printable } from '../model/parsed.ts';

/**
 * Keys and certificates, as PEM texts: what they are for and whether they are good. All keys of ours are ECDSA P-256. It touches no file;
 * pki-make.ts, which is slow to load, makes them.
 *
 * Four kinds of certificate come from one CA, and what each may do is in its subject and usages: etcd asks peers for PEER_NAME
 * (`--peer-cert-allowed-cn`), so that a client's certificate opens no peer port; a client's certificate is for no server; a subject begins
 * with a kind, so that no node can choose a name that means a user to etcd (with authentication on, etcd takes the common name for one).
 */
export interface Identity {
  readonly kind: 'server' | 'peer' | 'client' | 'root';
  /** Name of the node. */
  readonly name: string;
  /** Addresses and names a server is reached at; loopback is added. */
  readonly ips: readonly Ip[];
  readonly hosts: readonly string[];
}

/** A certificate and its key. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Common name of every peer certificate. */
export const PEER_NAME = 'tsflannel-peer';

export const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export const invalid = (detail: string, cause?: unknown): TsflannelError =>
  new TsflannelError('PKI_INVALID', { detail: printable(detail) }, cause);

/** How a key signs, for the kinds of key that a CA made elsewhere may have. Throws PKI_INVALID. */
export function algorithmOf(key: KeyObject): typeof ECDSA | { name: string; namedCurve?: string; hash: string } {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const curve = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : undefined;
  if (curve === 'prime256v1') return ECDSA;
  if (curve === 'secp384r1') return { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };
  throw invalid('a CA key is RSA, or elliptic-curve on P-256 or P-384');
}

export function privateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw invalid('there is no private key in the key file, or it has a passphrase', error);
  }
}

/** Parses one certificate. Throws PKI_INVALID. */
export function certificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw invalid('there is no PEM certificate in the certificate file', error);
  }
}

/** Checks that this is a CA and its key, in force. Throws PKI_INVALID. */
export function checkCa(ca: Pair, now = Date.now()): void {
  const cert = certificate(ca.cert);
  const key = privateKey(ca.key);
  algorithmOf(key);
  if (!cert.ca) throw invalid('the CA certificate is not one: it may not sign others');
  if (!cert.checkPrivateKey(key)) throw invalid('the CA key is not the key of the CA certificate');
  const problem = timeProblem(cert, 'the CA certificate', now);
  if (problem) throw invalid(problem.detail);
}

/** The public key of a private one (SPKI, DER). */
export const publicKeyOf = (key: string): Buffer =>
  createPublicKey(privateKey(key)).export({ format: 'der', type: 'spki' });

/** Whether a certificate is to be made anew: two thirds of its time are over, or all of it; or it was made while the clock was ahead. */
export function isDue(cert: X509Certificate, now = Date.now()): boolean {
  const [from, to] = [Date.parse(cert.validFrom), Date.parse(cert.validTo)];
  return now < from || now > from + ((to - from) * 2) / 3;
}

/** SHA-256 of the CA certificate (DER): what a join token pins. */
export const hashOfCa = (ca: X509Certificate): Buffer => createHash('sha256').update(ca.raw).digest();
