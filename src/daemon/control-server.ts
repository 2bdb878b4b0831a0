import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { type Answer, METHODS, type Method, type Requests } from '../control/protocol.ts';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { livingPid, removeSocket, socketPath } from '../files/run-dir.ts';
import { stringify } from '../model/json.ts';

export type Handlers = { readonly [M in Method]: () => Promise<Requests[M]> };

/** A control socket that listens. */
export interface ControlServer {
  /** Ends after the answers that are under way, or in a second; nobody else is waited for. */
  close(): Promise<void>;
}

const MAX_REQUEST = 4_096;
/** For the whole request, however slowly it comes. */
const REQUEST_MS = 10_000;
const END_MS = 1_000;

const methodOf = (line: string): Method | undefined => {
  try {
    const request: unknown = JSON.parse(line);
    const name = typeof request === 'object' && request !== null && 'method' in request ? request.method : undefined;
    return METHODS.find((method) => method === name);
  } catch {
    return undefined;
  }
};

async function answer(handlers: Handlers, line: string): Promise<string> {
  const method = methodOf(line);
  if (!method) return stringify({ error: { code: 'USAGE', detail: 'no such request' } } satisfies Answer);
  try {
    return stringify({ result: await handlers[method]() } satisfies Answer);
  } catch (error) {
    const { code, message, why } = asTsflannelError(error);
    return stringify({ error: { code, detail: code === 'DAEMON_STARTING' ? why : `${message}: ${why}` } });
  }
}

/** One request, one answer. `waiting` holds the sockets that have not asked yet. */
function serve(handlers: Handlers, socket: Socket, waiting: Set<Socket>): void {
  let text = '';
  const timer = setTimeout(() => socket.destroy(), REQUEST_MS);
  const asked = () => {
    clearTimeout(timer);
    waiting.delete(socket);
  };
  waiting.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', asked);
  // Nobody who has said all without a whole request is waited for.
  socket.on('end', () => waiting.has(socket) && socket.destroy());
  socket.setEncoding('utf8');
  socket.on('data', (part: string) => {
    if (!waiting.has(socket)) return;
    text += part;
    const end = text.indexOf('\n');
    if (end < 0 && text.length > MAX_REQUEST) socket.destroy();
    if (end < 0) return;
    asked();
    void answer(handlers, text.slice(0, end)).then((reply) => {
      socket.write(`${reply}\n`);
      socket.destroySoon();
    });
  });
}

/** The umask makes the socket 0600 from the first moment on; the kernel makes it within listen(). */
function listen(server: Server, path: string): Promise<void> {
  const umask = process.umask(0o177);
  try {
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } finally {
    process.umask(umask);
  }
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection(path, () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });

/** A socket file that a dead daemon left is taken over; with a living one behind it: ALREADY_RUNNING. */
async function listenAlone(server: Server, runDir: string): Promise<void> {
  const path = socketPath(runDir);
  try {
    await listen(server, path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE') throw new TsflannelError('FILE_FAILED', { file: path, detail: message }, error);
    if (await answers(path))
      throw new TsflannelError('ALREADY_RUNNING', { pid: (await livingPid(runDir)) ?? 'unknown' });
    await removeSocket(path);
    await listen(server, path);
  }
}

/** Listens on the control socket of this run folder, which only the daemon's user may open. Throws ALREADY_RUNNING, FILE_FAILED. */
export async function serveControl(runDir: string, handlers: Handlers): Promise<ControlServer> {
  const open = new Set<Socket>();
  const waiting = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    serve(handlers, socket, waiting);
  });
  await listenAlone(server, runDir);
  const end = (sockets: ReadonlySet<Socket>) => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => end(open), END_MS);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        end(waiting);
      }),
  };
}
