import { X509Certificate } from 'node:crypto';
import { clockSays, type TimeProblem, timeProblem } from '../model/cert-time.ts';
import type { TlsMaterial } from './tls.ts';

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
  const clock = clockSays(now);
  const ours = tls?.cert && timeProblem(new X509Certificate(tls.cert), "this host's client certificate", now);
  if (reasons.some((reason) => /refused the TLS handshake/.test(reason)) && ours) return ours;
  if (reasons.some((reason) => NOT_YET.test(reason)))
    return { code: 'CERT_NOT_YET_VALID', detail: `${detail}; ${clock}` };
  if (reasons.some((reason) => EXPIRED.test(reason))) return { code: 'CERT_EXPIRED', detail: `${detail}; ${clock}` };
  return ours;
}
