import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { TsflannelError } from '../errors.ts';
import { type Answer, handle, type Service } from './handle.ts';
import { invalid, type Reply } from './replies.ts';

/** Where a server listens; `stop` resolves when nobody is connected any more. */
export interface Listening {
  readonly port: number;
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  /** A wait is ended without an answer after this; etcd's client then waits again. */
  readonly waitMs: number;
}

/** A registration is some hundred bytes. */
const MAX_BODY = 4096;
/** Each waiting member holds a connection. */
const MAX_CONNECTIONS = 512;

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function head(response: ServerResponse, status: number, json: boolean, index: number): void {
  response.writeHead(status, {
    'Content-Type': json ? 'application/json' : 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...(index > 0 && { 'X-Etcd-Index': String(index) }),
  });
}

function send(response: ServerResponse, reply: Reply): void {
  head(response, reply.status, reply.json, reply.index);
  response.end(reply.body);
}

/** The head of a long poll goes out at once; an empty body means that nothing happened. */
async function sendLater(response: ServerResponse, answer: Exclude<Answer, Reply>): Promise<void> {
  head(response, 200, true, answer.index);
  response.flushHeaders();
  response.end((await answer.later)?.body ?? '');
}

async function serve(
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
  stop: AbortSignal,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) {
    send(response, invalid(`a body of at most ${MAX_BODY} bytes is expected`, 413));
    request.destroy();
    return;
  }
  const { method = '', url = '' } = request;
  const answer = await handle(service, { method, target: url, host: request.headers.host ?? '', body, stop });
  if ('later' in answer) await sendLater(response, answer);
  else send(response, answer);
}

async function listen(server: Server, { host, port }: ServerOptions): Promise<number> {
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    const detail = (error as Error).message;
    throw new TsflannelError('LISTEN_FAILED', { address: `${host}:${port}`, detail }, error);
  }
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}

/** Starts the server. Rejects with LISTEN_FAILED. */
export async function startServer(service: Service, options: ServerOptions): Promise<Listening> {
  const open = new Set<AbortController>();
  let stopping = false;
  const server = createServer((request, response) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), options.waitMs);
    open.add(stop);
    response.once('close', () => {
      clearTimeout(timer);
      open.delete(stop);
      stop.abort();
      if (stopping) server.closeIdleConnections();
    });
    // What fails here is the disk or the client; neither may end the server.
    serve(service, request, response, stop.signal).catch((error: Error) => {
      if (!response.headersSent) send(response, { status: 500, index: 0, json: false, body: `${error.message}\n` });
      else response.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.headersTimeout = 10_000;
  server.requestTimeout = 20_000;
  const port = await listen(server, options);
  return {
    port,
    async stop() {
      stopping = true;
      for (const stop of open) stop.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 1000).unref();
      await closed;
    },
  };
}
