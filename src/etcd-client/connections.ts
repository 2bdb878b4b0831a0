import { checkServerIdentity } from 'node:tls';
import { type ChannelCredentials, Client, connectivityState, credentials, status } from '@grpc/grpc-js';
import { TsflannelError } from '../errors.ts';
import { type Endpoint, printEndpoint } from '../model/endpoint.ts';
import { timeProblemOf } from './cert-time.ts';
import { CHANNEL_OPTIONS } from './channel.ts';
import { failureOf, isTlsText } from './failure.ts';
import { knownHandshakes } from './handshakes.ts';
import { METHODS } from './methods.ts';
import type { TlsMaterial } from './tls.ts';

/** One client, known to be connected when it was handed out; `index` is its endpoint. */
export interface Connection {
  readonly client: Client;
  readonly index: number;
}

/** The endpoints of one etcd cluster, of which one is in use. */
export interface Connections {
  /** The connection in use, else the first endpoint that answers. Rejects with ETCD_UNREACHABLE, ETCD_TLS, CERT_EXPIRED or CERT_NOT_YET_VALID. */
  ready(): Promise<Connection>;
  /** A connection of its own to the endpoint in use, for a stream; the caller closes its client. */
  fresh(): Promise<Connection>;
  /** The connection failed a call: the next call goes to the next endpoint, over a new connection. */
  failed(connection: Connection): void;
  /** The connection in use is thrown away; the next call opens a new one to the same endpoint. */
  renew(): void;
  readonly names: string;
  close(): void;
}

function credentialsFor(endpoint: Endpoint, tls: TlsMaterial | undefined): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  const { host } = endpoint;
  return credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null, {
    // An address is checked as itself although another name is sent (see serverName).
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host.replace(/^\[|\]$/g, ''), certificate),
  });
}

/** RFC 6066 has no address as a TLS server name, and Node prints a warning when it gets one: for addresses a name nobody has is sent. */
const serverName = (endpoint: Endpoint) =>
  endpoint.secure && endpoint.ip ? { 'grpc.ssl_target_name_override': 'etcd.invalid' } : {};

function newClient(endpoint: Endpoint, tls: TlsMaterial | undefined): Client {
  const handshakes = knownHandshakes(credentialsFor(endpoint, tls));
  const client = new Client(`dns:${endpoint.host}:${endpoint.port}`, handshakes.credentials, {
    ...CHANNEL_OPTIONS,
    ...serverName(endpoint),
  });
  const close = client.close.bind(client);
  client.close = () => {
    close();
    handshakes.end();
  };
  return client;
}

const changed = (client: Client, from: connectivityState, deadline: number): Promise<boolean> =>
  new Promise((resolve) => {
    client.getChannel().watchConnectivityState(from, deadline, (error) => resolve(error === undefined));
  });

async function becomesReady(client: Client, deadline: number): Promise<boolean> {
  for (;;) {
    const state = client.getChannel().getConnectivityState(true);
    if (state === connectivityState.READY) return true;
    if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) return false;
    if (!(await changed(client, state, deadline))) return false;
  }
}

/** Why a client is not connected: a channel tells it only to a call, so one that would do no harm is made. */
const whyNot = (client: Client): Promise<string> =>
  new Promise((resolve) => {
    const { path, encode, decode } = METHODS.status;
    const done = (error: unknown): void => {
      const failure = failureOf(error);
      resolve(failure.status === status.DEADLINE_EXCEEDED ? 'no answer to the connection request' : failure.detail);
    };
    client.makeUnaryRequest(path, encode, decode, {}, { deadline: Date.now() + 50 }, done);
  });

function unreachable(reasons: ReadonlyMap<string, string>, tls: TlsMaterial | undefined): TsflannelError {
  const endpoints = [...reasons.keys()].join(', ');
  const told = [...reasons].map(([name, reason]) => (reasons.size > 1 ? `${name}: ${reason}` : reason));
  const detail = told.join('; ');
  const refused = [...reasons.values()].filter(isTlsText);
  // An etcd beside them that says nothing waits for the same reason, more often than not: it has no leader.
  const time = refused.length > 0 ? timeProblemOf(told, tls) : undefined;
  if (time) return new TsflannelError(time.code, { endpoints, detail: time.detail });
  return refused.length === reasons.size
    ? new TsflannelError('ETCD_TLS', { detail })
    : new TsflannelError('ETCD_UNREACHABLE', { endpoints, detail });
}

/** Tries the endpoints in turn, beginning with `first`; each gets its share of `timeoutMs`. */
async function connect(target: Target, first: number): Promise<Connection> {
  const { endpoints, timeoutMs } = target;
  const tls = target.tls?.();
  const reasons = new Map<string, string>();
  for (let tried = 0; tried < endpoints.length; tried++) {
    const index = (first + tried) % endpoints.length;
    const endpoint = endpoints[index] as Endpoint;
    const client = newClient(endpoint, tls);
    if (await becomesReady(client, Date.now() + timeoutMs / endpoints.length)) return { client, index };
    reasons.set(printEndpoint(endpoint), await whyNot(client));
    client.close();
  }
  throw unreachable(reasons, tls);
}

/** What to connect to; `timeoutMs` is for all endpoints together. */
export interface Target {
  readonly endpoints: readonly Endpoint[];
  /** Asked at each connection: certificates are renewed while a client runs. */
  readonly tls?: () => TlsMaterial;
  readonly timeoutMs: number;
}

/** Connections to one cluster; nothing is opened before it is asked for. */
export function openConnections(target: Target): Connections {
  const names = target.endpoints.map(printEndpoint).join(', ');
  let first = 0;
  let closed = false;
  let inUse: Promise<Connection> | undefined;

  async function open(): Promise<Connection> {
    const connection = await connect(target, first);
    first = connection.index;
    if (closed) connection.client.close();
    return connection;
  }
  const drop = (): void => {
    inUse?.then(({ client }) => client.close()).catch(() => undefined);
    inUse = undefined;
  };

  const share = (): Promise<Connection> => {
    inUse ??= open();
    return inUse;
  };

  const refuseClosed = (): void => {
    if (closed) throw new TsflannelError('ETCD_UNREACHABLE', { endpoints: names, detail: 'the client was closed' });
  };

  async function ready(): Promise<Connection> {
    refuseClosed();
    const mine = share();
    try {
      const connection = await mine;
      if (connection.client.getChannel().getConnectivityState(false) === connectivityState.READY) return connection;
    } catch (error) {
      if (inUse === mine) inUse = undefined;
      throw error;
    }
    // The connection was lost while nobody called.
    if (inUse === mine) drop();
    return share();
  }

  return {
    names,
    ready,
    async fresh() {
      refuseClosed();
      return connect(target, first);
    },
    failed(connection) {
      if (connection.index !== first) return;
      first = (first + 1) % target.endpoints.length;
      drop();
    },
    renew: drop,
    close() {
      closed = true;
      drop();
    },
  };
}
