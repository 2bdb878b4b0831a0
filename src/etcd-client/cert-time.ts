import { X509Certificate } from 'node:crypto';
import type { TlsMaterial } from './tls.ts';

/** What is wrong with the time of a certificate: it is over, or has not begun, which is a wrong clock more often than a wrong certificate. */
export interface TimeProblem {
  readonly code: 'CERT_EXPIRED' | 'CERT_NOT_YET_VALID';
  readonly detail: string;
}

const day = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** The problem of one PEM certificate at `now`, in milliseconds; `undefined` when it is in force. */
export function timeProblem(pem: Buffer | string, whose: string, now = Date.now()): TimeProblem | undefined {
  const { validFrom, validTo } = new X509Certificate(pem);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  const clock = `the clock of this host says ${day(now)}`;
  if (now > to) return { code: 'CERT_EXPIRED', detail: `${whose} ended at ${day(to)}; ${clock}` };
  if (now < from) return { code: 'CERT_NOT_YET_VALID', detail: `${whose} begins at ${day(from)}; ${clock}` };
  return undefined;
}

const EXPIRED = /certificate(?: has)? expired/i;
const NOT_YET = /certificate is not yet valid/i;

/**
 * Whether a failed handshake comes from a certificate out of its time: by what OpenSSL said of the server's, else by the certificate we
 * show, which a server refuses without saying why. `reasons` are the texts of all endpoints.
 */
export function timeProblemOf(
  reasons: readonly string[],
  tls: TlsMaterial | undefined,
  now = Date.now(),
): TimeProblem | undefined {
  const detail = reasons.join('; ');
  const clock = `the clock of this host says ${day(now)}`;
  const ours = tls?.cert && timeProblem(tls.cert, "this host's client certificate", now);
  if (reasons.some((reason) => /refused the TLS handshake/.test(reason)) && ours) return ours;
  if (reasons.some((reason) => NOT_YET.test(reason)))
    return { code: 'CERT_NOT_YET_VALID', detail: `${detail}; ${clock}` };
  if (reasons.some((reason) => EXPIRED.test(reason))) return { code: 'CERT_EXPIRED', detail: `${detail}; ${clock}` };
  return ours;
}
