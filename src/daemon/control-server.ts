import { createServer, type Server, type Socket } from 'node:net';
import { type Answer, METHODS, type Method, type Requests } from '../control/protocol.ts';
import { removeSocket } from '../files/run-dir.ts';
import { stringify } from '../model/json.ts';

export type Handlers = { readonly [M in Method]: () => Promise<Requests[M]> };

const MAX_REQUEST = 4_096;
const IDLE_MS = 10_000;

const methodOf = (line: string): Method | undefined => {
  try {
    const request: unknown = JSON.parse(line);
    const name = typeof request === 'object' && request !== null && 'method' in request ? request.method : undefined;
    return METHODS.find((method) => method === name);
  } catch {
    return undefined;
  }
};

async function answer(handlers: Handlers, line: string): Promise<Answer> {
  const method = methodOf(line);
  if (!method) return { error: { code: 'USAGE', detail: 'no such request' } };
  try {
    return { result: await handlers[method]() };
  } catch (error) {
    return { error: { code: 'INTERNAL', detail: error instanceof Error ? error.message : String(error) } };
  }
}

function serve(handlers: Handlers, socket: Socket): void {
  let text = '';
  let asked = false;
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.setEncoding('utf8');
  socket.on('data', (part: string) => {
    text += part;
    if (asked || text.length > MAX_REQUEST) {
      if (!asked) socket.destroy();
      return;
    }
    const end = text.indexOf('\n');
    if (end < 0) return;
    asked = true;
    void answer(handlers, text.slice(0, end)).then((reply) => socket.end(`${stringify(reply)}\n`));
  });
}

/** Listens on a unix socket that only the daemon's user may open. A socket file left by a dead daemon is taken over. */
export async function serveControl(path: string, handlers: Handlers): Promise<Server> {
  await removeSocket(path);
  const server = createServer({ allowHalfOpen: true }, (socket) => serve(handlers, socket));
  const umask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(umask);
  }
  return server;
}
