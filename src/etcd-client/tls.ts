import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { TsflannelError } from '../errors.ts';
import { type Endpoint, parseEndpoints } from '../model/endpoint.ts';
import { printable } from '../model/parsed.ts';
import type { KvOptions } from '../store/kv.ts';

/** Contents of the TLS files, checked; all are PEM. Empty: the system's roots are trusted and no certificate is shown. */
export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

const failed = (detail: string): TsflannelError => new TsflannelError('ETCD_TLS', { detail });

/** Only the reason: a message of the crypto library never holds key material, but its stack is of no use to anybody. */
const reasonOf = (error: unknown): string => printable(error instanceof Error ? error.message : String(error));

function read(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw failed(`the ${what} cannot be read: ${reasonOf(error)}`);
  }
}

function checked<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw failed(`${path} is not a PEM ${what}: ${reasonOf(error)}`);
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

function readCa(path: string): Buffer {
  const ca = read(path, 'CA file');
  checked(path, 'certificate', () => {
    const blocks = ca.toString('latin1').match(CERTIFICATE) ?? [''];
    for (const block of blocks) new X509Certificate(block);
  });
  return ca;
}

/** Reads and checks the files named in the options, so that a wrong path or a wrong pair is named here and not by a failing handshake. */
export function readTls(options: KvOptions): TlsMaterial {
  const { caFile, certFile, keyFile } = options;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw failed('a client certificate and its key are given together or not at all');
  const ca = caFile === undefined ? {} : { ca: readCa(caFile) };
  if (certFile === undefined || keyFile === undefined) return ca;
  const cert = read(certFile, 'certificate file');
  const key = read(keyFile, 'key file');
  const leaf = checked(certFile, 'certificate', () => new X509Certificate(cert));
  const secret = checked(keyFile, 'private key', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(secret)) throw failed(`${keyFile} is not the key of ${certFile}`);
  return { ...ca, cert, key };
}

/** Reads the files anew each time; files that are no good now do not take away what was. */
function reread(options: KvOptions, first: TlsMaterial): () => TlsMaterial {
  let last = first;
  return () => {
    try {
      last = readTls(options);
    } catch {
      // The handshake says what is wrong, if it is.
    }
    return last;
  };
}

/**
 * The endpoints of the options, and the TLS files when they are spoken to by https. Mixed schemes, and TLS files with plain endpoints,
 * are refused: both would send in the clear what somebody meant to protect.
 */
export function readTarget(options: KvOptions): { endpoints: readonly Endpoint[]; tls?: () => TlsMaterial } {
  const parsed = parseEndpoints(options.endpoints, 'etcd endpoints', 2379);
  if (!parsed.ok) throw new TsflannelError('USAGE', { detail: parsed.rejection.detail });
  const endpoints = parsed.value;
  const secure = endpoints.filter((endpoint) => endpoint.secure).length;
  if (secure > 0 && secure < endpoints.length) throw failed('some endpoints are https:// and some are http://');
  if (secure > 0) return { endpoints, tls: reread(options, readTls(options)) };
  if (options.caFile ?? options.certFile ?? options.keyFile)
    throw failed('TLS files are given, but the endpoints are http://; write https://');
  return { endpoints };
}
