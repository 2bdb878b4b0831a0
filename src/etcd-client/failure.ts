import { TsflannelError } from '../errors.ts';
import { printable } from '../model/parsed.ts';

/** gRPC status codes that mean something here. */
export const STATUS = {
  unknown: 2,
  deadline: 4,
  permissionDenied: 7,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** What a failed call says; everything else of gRPC's error is dropped, its metadata could hold a token. */
export interface Failure {
  readonly status: number;
  readonly detail: string;
  /** The request never left this host. */
  readonly unsent?: boolean;
}

const LATE = 'no answer within the deadline';

/** What gRPC and OpenSSL wrap around the reason why a connection failed is of no use to anybody. */
function core(detail: string): string {
  const reason = /Last error: (?:Error: )?([\s\S]*?)\.? Resolution note:/.exec(detail)?.[1] ?? detail;
  const alert = /ssl\/tls alert ([a-z ]+)/.exec(reason)?.[1];
  if (alert !== undefined) return `the server refused the TLS handshake: ${alert}`;
  return /wrong version number/.test(reason) ? 'the server does not speak TLS (wrong version number)' : reason.trim();
}

const UNSENT =
  /^(No connection established|Channel closed before call started|Channel has been shut down|Name resolution failed)/;

/** Reads anything that a gRPC call rejected with; the etcd3 package keeps no more of it than `14 UNAVAILABLE: why`. */
export function failureOf(error: unknown): Failure {
  const { code, details, message } = (error ?? {}) as { code?: unknown; details?: unknown; message?: unknown };
  const [, digits, told] = /^(\d{1,2}) [A-Z_]+: ([\s\S]*)$/.exec(String(message)) ?? [];
  const status = typeof code === 'number' ? code : Number(digits ?? STATUS.unknown);
  const detail = [details, told, message].find((text) => typeof text === 'string' && text !== '') ?? error;
  if (status === STATUS.deadline) return { status, detail: LATE };
  return { status, detail: printable(core(String(detail))), unsent: UNSENT.test(String(detail)) };
}

/** The token is old, of another store, or was never sent: the call was refused before it did anything, a new login mends it. */
export const isTokenProblem = ({ status, detail }: Failure): boolean =>
  status === STATUS.unauthenticated ||
  /invalid auth token|revision of auth store is old|user name is empty/.test(detail);

/** Authentication is off at the server: a user name is not needed, as clientv3 has it. */
export const isAuthOff = ({ detail }: Failure): boolean => /authentication is not enabled/.test(detail);

const isAuth = ({ status, detail }: Failure): boolean =>
  status === STATUS.unauthenticated ||
  status === STATUS.permissionDenied ||
  /authentication failed|permission denied|PermissionDenied|user name is empty|invalid auth token|auth store/.test(
    detail,
  );

const isNoLeader = ({ detail }: Failure): boolean => /etcdserver: no leader/.test(detail);

const isTimeout = ({ status, detail }: Failure): boolean =>
  status === STATUS.deadline || /etcdserver: request timed out|context deadline exceeded/.test(detail);

/** The server did not do it and another one might, or nobody knows: a read may be sent again elsewhere. */
export const isRepeatable = (failure: Failure): boolean => failure.status === STATUS.unavailable || isTimeout(failure);

/** Whether it is worth asking the server if it has a leader: it took the call and gave no answer in time. */
export const mayLackQuorum = (failure: Failure): boolean => isTimeout(failure) || isNoLeader(failure);

const TLS = /certificate|altnames|self[- ]signed|SSL|TLS|wrong version number|EPROTO/i;

/** The one failure of a connection that says more than "not there". */
export const isTlsText = (detail: string): boolean => TLS.test(detail);

/** A failed call as one of our errors. `endpoints` is what was tried, in printable form. */
export function asError(failure: Failure, endpoints: string): TsflannelError {
  const details = { endpoints, detail: failure.detail };
  if (isNoLeader(failure)) return new TsflannelError('ETCD_NO_QUORUM', details);
  if (isTimeout(failure)) return new TsflannelError('ETCD_TIMEOUT', details);
  if (/database space exceeded/.test(failure.detail)) return new TsflannelError('ETCD_NOSPACE', details);
  if (isAuth(failure)) return new TsflannelError('ETCD_AUTH', details);
  // etcd says "unavailable" for this refusal too.
  if (/unhealthy cluster/.test(failure.detail)) return new TsflannelError('ETCD_FAILED', details);
  if (failure.status === STATUS.unavailable) return new TsflannelError('ETCD_UNREACHABLE', details);
  return new TsflannelError('ETCD_FAILED', details);
}
