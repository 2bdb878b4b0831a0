import type { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { parseIp, printIp } from '../model/address.ts';
import { MAX_BODY } from './join-protocol.ts';
import { certFile, keyFile } from './pki-files.ts';
import { openRate } from './rate.ts';

/**
 * The join service's door: TLS with the server certificate of the member, one JSON question a connection. Whoever comes is a stranger until
 * the service knows better: few connections at once, little time, small questions, few tries an address.
 */
export interface Question {
  readonly path: string;
  readonly body: string;
  /** Address of who asks. */
  readonly from: string;
  /** A certificate of the cluster's CA that was shown. */
  readonly shown?: X509Certificate;
}

export interface Reply {
  readonly status: number;
  readonly body: string;
}

export type Answer = (question: Question) => Promise<Reply>;

export interface DoorOptions {
  readonly pki: string;
  readonly host: string;
  readonly port: number;
  readonly answer: Answer;
  /** Told of what goes wrong inside. */
  readonly onError: (error: unknown) => void;
}

export interface Door {
  readonly port: number;
  /** Reads certificate and key again; connections that are open keep theirs. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

const LIMITS = {
  connections: 64,
  /** Of one address, so that one stranger alone cannot hold them all. */
  connectionsEach: 8,
  handshakeMs: 5000,
  /** From the first byte to the end of a question. */
  requestMs: 10_000,
  headerBytes: 4096,
  headers: 32,
  burst: 30,
  perSecond: 2,
} as const;

const refusal = (status: number, code: string, detail: string): Reply => ({
  status,
  body: JSON.stringify({ code, detail }),
});

/** The body as text; `undefined` when it is too large, which ends the reading. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `::ffff:10.0.0.1` is 10.0.0.1. */
const addressOf = (socket: TLSSocket): string => {
  const text = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const ip = parseIp(text);
  return ip ? printIp(ip) : 'unknown';
};

async function replyTo(request: IncomingMessage, answer: Answer): Promise<Reply> {
  if (request.method !== 'POST') return refusal(405, 'METHOD', 'POST is expected');
  const body = await readBody(request);
  if (body === undefined) return refusal(413, 'TOO_LARGE', `more than ${MAX_BODY} bytes`);
  const socket = request.socket as TLSSocket;
  const shown = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  return answer({ path: request.url ?? '', body, from: addressOf(socket), ...(shown && { shown }) });
}

function send(response: ServerResponse, { status, body }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(body);
}

function serve(options: DoorOptions) {
  const rate = openRate(LIMITS.burst, LIMITS.perSecond);
  return (request: IncomingMessage, response: ServerResponse): void => {
    const socket = request.socket as TLSSocket;
    // Members ask again and again while they wait for their turn; strangers have no reason to.
    if (!socket.authorized && !rate.take(addressOf(socket))) {
      send(response, refusal(429, 'TOO_MANY', 'too many tries from this address; wait a moment'));
      return;
    }
    replyTo(request, options.answer).then(
      (reply) => send(response, reply),
      (error) => {
        options.onError(error);
        if (!response.headersSent && !socket.destroyed) send(response, refusal(500, 'INTERNAL', 'it failed here'));
      },
    );
  };
}

/** The CA goes along, so that a joiner that knows nothing but its hash can check the rest. */
async function material(pki: string) {
  const files = [certFile(pki, 'server'), certFile(pki, 'ca'), keyFile(pki, 'server')];
  const [cert, ca, key] = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return { cert: `${cert}${ca}`, key: key ?? '', ca: ca ?? '' };
}

/** Closes what one address opens beyond its share. */
function share(server: Server): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const who = socket.remoteAddress ?? '';
    const now = (open.get(who) ?? 0) + 1;
    open.set(who, now);
    socket.once('close', () => {
      const left = (open.get(who) ?? 1) - 1;
      if (left > 0) open.set(who, left);
      else open.delete(who);
    });
    if (now > LIMITS.connectionsEach) socket.destroy();
  });
}

function limit(server: Server): void {
  share(server);
  server.maxConnections = LIMITS.connections;
  server.maxHeadersCount = LIMITS.headers;
  server.headersTimeout = LIMITS.handshakeMs;
  server.requestTimeout = LIMITS.requestMs;
  server.timeout = LIMITS.requestMs * 3;
  server.keepAliveTimeout = 1;
  // What strangers do wrong is no event here.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError', (_error, socket) => socket.destroy());
}

/** Opens the door. Rejects when the port cannot be had, or the certificate's files are not there. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { pki, host, port } = options;
  const tls = { requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' as const };
  const limits = {
    maxHeaderSize: LIMITS.headerBytes,
    handshakeTimeout: LIMITS.handshakeMs,
    connectionsCheckingInterval: 1000,
  };
  const server = createServer({ ...tls, ...limits, ...(await material(pki)) }, serve(options));
  limit(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => resolve());
  });
  server.on('error', options.onError);
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound ? bound.port : port,
    reload: async () => server.setSecureContext(await material(pki)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
