import { timingSafeEqual, type X509Certificate } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { TsflannelError } from '../errors.ts';
import { type Ip, parseIp, printIp } from '../model/address.ts';
import { clockSays, timeProblem } from '../model/cert-time.ts';
import { printable } from '../model/parsed.ts';
import { clockAhead, clockDiffers } from './host-clock.ts';
import { parseRefusal } from './join-protocol.ts';
import { type JoinToken, serviceOf } from './join-token.ts';
import { certificate, hashOfCa } from './pki.ts';

/** Where a join service is. */
export interface Service {
  readonly ip: Ip;
  readonly port: number;
}

/** How it is spoken to: the CA that is trusted, and the certificate that is shown, all PEM. */
export interface Trust {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER = 65_536;

/** OpenSSL's names for a certificate out of its time, as Node hands them on. */
const TIME_CODES = { CERT_HAS_EXPIRED: 'CERT_EXPIRED', CERT_NOT_YET_VALID: 'CERT_NOT_YET_VALID' } as const;

function unreachable(service: Service, error: unknown): TsflannelError {
  const address = serviceOf(service);
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return new TsflannelError(TIME_CODES[code], { endpoints: address, detail: `${message}; ${clockSays(Date.now())}` });
  return new TsflannelError('JOIN_UNREACHABLE', { address, detail: printable(message) });
}

/**
 * A certificate out of its time is refused by whoever it is shown to; `ahead` is what is known of the service's clock. Throws CERT_EXPIRED or
 * CERT_NOT_YET_VALID.
 */
export function checkTime(cert: X509Certificate, whose: string, service: Service, ahead?: number): void {
  const problem = timeProblem(cert, whose);
  if (!problem) return;
  const endpoints = serviceOf(service);
  const differs = clockDiffers(ahead, endpoints);
  const detail = differs === undefined ? problem.detail : `${problem.detail}; ${differs}`;
  throw new TsflannelError(problem.code, { endpoints, detail });
}

interface Seen {
  readonly chain: readonly X509Certificate[];
  readonly local?: Ip;
}

/** The certificates a server shows, its own first; nothing is sent to it, and nothing of it is believed yet. */
function look(service: Service): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const options = { host: printIp(service.ip), port: service.port, rejectUnauthorized: false };
    const socket: TLSSocket = connect({ ...options, minVersion: 'TLSv1.3' }, () => {
      const chain: X509Certificate[] = [];
      let next = socket.getPeerX509Certificate();
      for (; next && chain.length < 8; next = next.issuerCertificate) {
        if (chain.some((one) => one.fingerprint256 === next?.fingerprint256)) break;
        chain.push(next);
      }
      const local = parseIp((socket.localAddress ?? '').replace(/^::ffff:/, ''));
      socket.destroy();
      resolve({ chain, ...(local && { local }) });
    });
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer in time')));
    socket.once('error', (error) => reject(unreachable(service, error)));
  });
}

/** What a first look at the service tells: its CA (PEM), the address by which this host reaches it, and the seconds its clock is ahead. */
export interface Verified {
  readonly ca: string;
  readonly local?: Ip;
  readonly ahead?: number;
}

/**
 * The CA of the service that the token names: a certificate of which the token has the hash, which signed the server's own for this
 * address. Rejects with JOIN_CA or JOIN_UNREACHABLE; the secret was not sent.
 */
export async function verifyService(token: JoinToken): Promise<Verified> {
  const refuse = (detail: string) => new TsflannelError('JOIN_CA', { address: serviceOf(token), detail });
  const { chain, local } = await look(token);
  const [own] = chain;
  const ca = chain.find((one) => timingSafeEqual(hashOfCa(one), token.caHash));
  if (!own || !ca) throw refuse('it does not show the CA of which the token has the hash');
  if (!ca.ca || !own.verify(ca.publicKey) || own.checkIP(printIp(token.ip)) === undefined)
    throw refuse('its own certificate is not one of that CA for this address');
  const ahead = await clockAhead(serviceOf(token));
  checkTime(ca, 'the CA of the cluster', token, ahead);
  checkTime(own, 'the certificate of the join service', token, ahead);
  return { ca: ca.toString(), ...(local && { local }), ...(ahead !== undefined && { ahead }) };
}

interface Raw {
  readonly status: number;
  readonly body: string;
}

function send(service: Service, trust: Trust, path: string, body: string): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const where = { host: printIp(service.ip), port: service.port, path, method: 'POST', headers, agent: false };
    const request = httpsRequest({ ...where, ...trust, minVersion: 'TLSv1.3', timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER) request.destroy(new Error('the answer is too long'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    const late = setTimeout(() => request.destroy(new Error('no answer in time')), TIMEOUT_MS);
    request.on('close', () => clearTimeout(late));
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
    request.end(body);
  });
}

/** Asks the service; resolves to the answer's text. Rejects with JOIN_REFUSED, JOIN_FAILED, JOIN_UNREACHABLE, CERT_EXPIRED or CERT_NOT_YET_VALID. */
export async function ask(service: Service, trust: Trust, path: string, body: string): Promise<string> {
  if (trust.cert !== undefined) checkTime(certificate(trust.cert), 'the certificate of this host', service);
  const { status, body: answer } = await send(service, trust, path, body).catch((error: unknown) => {
    throw unreachable(service, error);
  });
  if (status === 200) return answer;
  const { code, detail } = parseRefusal(answer);
  const words = { detail: printable(detail) };
  if (code.startsWith('TOKEN_')) throw new TsflannelError('JOIN_REFUSED', words);
  if (status >= 500) throw unreachable(service, new Error(`it answers ${status}: ${detail}`));
  throw new TsflannelError('JOIN_FAILED', words);
}
