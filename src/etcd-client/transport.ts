/**
 * etcd-client/ knows how to call one etcd cluster over gRPC: endpoints, deadlines, TLS, the login and its token, streams, and what etcd's
 * error texts mean. It must not know what is stored in etcd, nor flannel's schema: that is store/etcd, built on this.
 *
 * A write is sent once. A read that got no answer is sent a second time, to the next endpoint. What was refused for its token never ran
 * and is sent again after a new login.
 */
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { printable } from '../model/parsed.ts';
import type { KvOptions } from '../store/kv.ts';
import { type Connection, type Connections, openConnections } from './connections.ts';
import {
  asError,
  type Failure,
  failureOf,
  isAuthOff,
  isRepeatable,
  isTokenProblem,
  mayLackQuorum,
  STATUS,
} from './failure.ts';
import { type Login, openLogin } from './login.ts';
import { METHODS, type Method } from './methods.ts';
import { metadataOf, type Outcome, sendOverStream, sendUnary } from './send.ts';
import { readTarget } from './tls.ts';

/** Time for the question whether a member that gave no answer has a leader at all. */
const PROBE_MS = 500;

/** How a call goes out: `stream` sends one request over a stream and takes the first answer (lease keep-alive). */
export interface CallOptions {
  /** It may be sent twice without harm. */
  readonly repeat?: boolean;
  readonly stream?: boolean;
}

export interface StreamHandlers<T> {
  /** A text is the reason why this message, rather than gRPC, says that the stream has failed. */
  readonly message: (message: T) => string | undefined;
  /** Called once; with the error unless the stream was closed from here. */
  readonly end: (error?: TsflannelError) => void;
}

export interface Transport {
  /** One request, one answer, within the deadline. Rejects with a TsflannelError (see store/kv.ts). */
  call<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>;
  /** One request and a stream of answers, over a connection of its own; it ends when the member has no leader (`hasleader`). */
  stream<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    handlers: StreamHandlers<MessageShape<O>>,
  ): { close(): void };
  /** One request and answers until the server has no more; each is waited for before the next is read. Sent once. */
  download<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    take: (message: MessageShape<O>) => Promise<void>,
  ): Promise<void>;
  /** This host's address has changed: streams end with an error, and later calls go over a new connection. */
  reconnect(): void;
  /** Ends the streams too. */
  close(): void;
}

interface Parts {
  readonly connections: Connections;
  readonly login: Login;
  /** Open streams, for `close`. */
  readonly streams: Set<{ close(error?: TsflannelError): void }>;
}

/** The login of these options: no user name, no login. */
function loginOf(options: KvOptions, connections: Connections): Login {
  const { username, password = '', timeoutMs } = options;
  return openLogin(async () => {
    if (username === undefined || username === '') return undefined;
    const { client } = await connections.ready();
    const outcome = await sendUnary({ client, timeoutMs }, METHODS.authenticate, { name: username, password });
    if (outcome.ok) return outcome.value.token;
    if (isAuthOff(outcome.failure)) return undefined;
    throw asError(outcome.failure, connections.names);
  });
}

/** One try of a call, and what has to be known to judge it. */
interface Tried<T> {
  readonly outcome: Outcome<T>;
  readonly connection: Connection;
  readonly token: string | undefined;
}

/** Draws the consequences of a failure for later calls: another endpoint, a new token. A token of a wiped store is waited for without an answer. */
function learn({ connections, login }: Parts, tried: Omit<Tried<unknown>, 'outcome'>, failure: Failure): void {
  if (isRepeatable(failure) || mayLackQuorum(failure)) connections.failed(tried.connection);
  if (isRepeatable(failure) || isTokenProblem(failure)) login.forget(tried.token);
}

/** Whether the cluster says that it has no leader; the member that gave no answer is asked, or, when it is gone, the next. */
async function lacksLeader(parts: Parts, tried: Tried<unknown>): Promise<boolean> {
  const ask = ({ client }: Connection) =>
    sendUnary({ client, token: tried.token, timeoutMs: PROBE_MS }, METHODS.status, {});
  const status = await ask(tried.connection);
  if (status.ok || !status.failure.unsent) return status.ok && status.value.leader === 0n;
  const again = await parts.connections.ready().then(ask, () => undefined);
  return again?.ok === true && again.value.leader === 0n;
}

async function explain(parts: Parts, tried: Tried<unknown>, failure: Failure): Promise<TsflannelError> {
  const leaderless = mayLackQuorum(failure) && (await lacksLeader(parts, tried));
  return asError(leaderless ? { ...failure, detail: 'etcdserver: no leader' } : failure, parts.connections.names);
}

type Send<T> = (connection: Connection, token: string | undefined) => Promise<Outcome<T>>;

async function callOn<T>(parts: Parts, send: Send<T>, repeat: boolean): Promise<T> {
  const attempt = async (): Promise<Tried<T>> => {
    const token = await parts.login.token();
    const connection = await parts.connections.ready();
    return { token, connection, outcome: await send(connection, token) };
  };
  let tried = await attempt();
  for (let again = true; !tried.outcome.ok; again = false) {
    const { failure } = tried.outcome;
    const harmless = failure.unsent || isTokenProblem(failure) || (repeat && isRepeatable(failure));
    const error = again && harmless ? undefined : await explain(parts, tried, failure);
    learn(parts, tried, failure);
    if (error) throw error;
    tried = await attempt();
  }
  return tried.outcome.value;
}

/** Opens one stream on a connection of its own. */
function openStream<I extends DescMessage, O extends DescMessage>(
  parts: Parts,
  { path, encode, decode }: Method<I, O>,
  request: MessageInitShape<I>,
  handlers: StreamHandlers<MessageShape<O>>,
): { close(): void } {
  let call: ClientDuplexStream<MessageInitShape<I>, MessageShape<O>> | undefined;
  let ended = false;
  const end = (error?: TsflannelError): void => {
    if (ended) return;
    ended = true;
    parts.streams.delete(stream);
    call?.cancel();
    handlers.end(error);
  };
  const stream = { close: end };
  parts.streams.add(stream);
  const run = async (): Promise<void> => {
    const token = await parts.login.token();
    const connection = await parts.connections.fresh();
    const fail = (failure: Failure): void => {
      connection.client.close();
      if (ended) return;
      learn(parts, { connection, token }, failure);
      end(asError(failure, parts.connections.names));
    };
    if (ended) return connection.client.close();
    call = connection.client.makeBidiStreamRequest(path, encode, decode, metadataOf(token, true));
    call.on('data', (message: MessageShape<O>) => {
      const refusal = ended ? undefined : handlers.message(message);
      if (refusal !== undefined) fail({ status: STATUS.unknown, detail: printable(refusal) });
    });
    call.on('error', (error) => fail(failureOf(error)));
    call.on('end', () => fail({ status: STATUS.unavailable, detail: 'the server ended the stream' }));
    call.write(request);
  };
  run().catch((error: unknown) => end(asTsflannelError(error)));
  return stream;
}

/** One download over a connection of its own. */
async function download<I extends DescMessage, O extends DescMessage>(
  parts: Parts,
  { path, encode, decode }: Method<I, O>,
  request: MessageInitShape<I>,
  take: (message: MessageShape<O>) => Promise<void>,
): Promise<void> {
  const token = await parts.login.token();
  const { client } = await parts.connections.fresh();
  const call = client.makeServerStreamRequest(path, encode, decode, request, metadataOf(token, false));
  const stream = { close: () => call.cancel() };
  parts.streams.add(stream);
  try {
    for await (const message of call) {
      const failed = await take(message as MessageShape<O>).then(
        () => undefined,
        (error: unknown) => asTsflannelError(error),
      );
      if (failed) throw failed;
    }
  } catch (error) {
    throw error instanceof TsflannelError ? error : asError(failureOf(error), parts.connections.names);
  } finally {
    call.cancel();
    parts.streams.delete(stream);
    client.close();
  }
}

/** Opens nothing yet: the first call connects. Throws USAGE or ETCD_TLS when the options are not usable. */
export function openTransport(options: KvOptions): Transport {
  const { timeoutMs } = options;
  const connections = openConnections({ ...readTarget(options), timeoutMs });
  const parts: Parts = { connections, login: loginOf(options, connections), streams: new Set() };
  return {
    call: (method, request, { repeat = false, stream = false } = {}) => {
      const send = stream ? sendOverStream : sendUnary;
      return callOn(parts, ({ client }, token) => send({ client, token, timeoutMs }, method, request), repeat);
    },
    stream: (method, request, handlers) => openStream(parts, method, request, handlers),
    download: (method, request, take) => download(parts, method, request, take),
    reconnect() {
      const error = new TsflannelError('ETCD_UNREACHABLE', { endpoints: connections.names, detail: 'reconnecting' });
      for (const stream of [...parts.streams]) stream.close(error);
      connections.renew();
    },
    close() {
      for (const stream of [...parts.streams]) stream.close();
      connections.close();
    },
  };
}
