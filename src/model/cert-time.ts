/** What is wrong with the time of a certificate: it is over, or has not begun, which is a wrong clock more often than a wrong certificate. */
export interface TimeProblem {
  readonly code: 'CERT_EXPIRED' | 'CERT_NOT_YET_VALID';
  readonly detail: string;
}

const second = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** What this host believes the time to be, in words. */
export const clockSays = (now: number): string => `the clock of this host says ${second(now)}`;

/** The problem of a certificate, whose times are texts as Node prints them, at `now` in milliseconds; `undefined` when it is in force. */
export function timeProblem(
  { validFrom, validTo }: { readonly validFrom: string; readonly validTo: string },
  whose: string,
  now = Date.now(),
): TimeProblem | undefined {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  if (now > to) return { code: 'CERT_EXPIRED', detail: `${whose} ended at ${second(to)}; ${clockSays(now)}` };
  if (now < from)
    return { code: 'CERT_NOT_YET_VALID', detail: `${whose} begins at ${second(from)}; ${clockSays(now)}` };
  return undefined;
}
