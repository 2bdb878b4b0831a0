import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { TsflannelError } from '../errors.ts';
import { isSameCode } from './code.ts';
import { machineId } from './cpu.ts';
import { createLines, type Lines } from './lines.ts';
import type { Path } from './probe.ts';
import { createStand, type Stand } from './stand.ts';
import { PROTOCOL, parseHello, parseQuestion, type Question, type Welcome } from './wire.ts';

/** What a server of measurements is to do. */
export interface ServeOptions {
  /** Ways to this node that may be measured. Each has its own sockets, while it is measured. */
  readonly paths: readonly Path[];
  /** Dotted addresses to take questions on. */
  readonly listen: readonly string[];
  readonly port: number;
  /** Whoever knows it is the client; good once. */
  readonly code: string;
  /** How long to wait for the client. */
  readonly waitSeconds: number;
  /** Called when it can be reached. */
  readonly listening: () => void;
}

/** What the client had measured. */
export interface Served {
  readonly client: string;
  readonly measurements: number;
}

const HELLO_MS = 5000;
/** A client that is silent for longer has gone. */
const SILENCE_MS = 90_000;
const SESSION_MS = 30 * 60_000;
const MAX_WRONG = 3;
const MAX_CONNECTIONS = 8;

const complain = (lines: Lines, error: string): void => lines.send(JSON.stringify({ error }));

async function answer(stand: Stand, question: Question): Promise<object> {
  if (question.ask === 'prepare') return stand.prepare(question);
  return question.ask === 'mark' ? stand.mark() : stand.collect();
}

async function session(lines: Lines, { paths, port }: ServeOptions): Promise<number> {
  const welcome: Welcome = { paths, machine: machineId() };
  lines.send(JSON.stringify(welcome));
  const stand = createStand(paths, port + 1);
  let measurements = 0;
  try {
    for (const end = performance.now() + SESSION_MS; performance.now() < end; ) {
      const line = await lines.next(SILENCE_MS);
      if (line === undefined) break;
      const question = parseQuestion(line);
      if (!question) complain(lines, 'this question is not understood');
      else {
        if (question.ask === 'collect') measurements++;
        lines.send(JSON.stringify(await answer(stand, question).catch((error) => ({ error: String(error.message) }))));
      }
    }
  } finally {
    await stand.clear();
    lines.close();
  }
  return measurements;
}

/** Resolves with the first connection that knows the code; rejects when too many did not, or nobody came. */
function admit(servers: readonly Server[], { code, waitSeconds }: ServeOptions): Promise<[Socket, Lines]> {
  return new Promise((resolve, reject) => {
    let wrong = 0;
    let isTaken = false;
    const timer = setTimeout(
      () => reject(new TsflannelError('BENCH_NO_CLIENT', { seconds: waitSeconds })),
      waitSeconds * 1000,
    );
    async function meet(socket: Socket): Promise<void> {
      const lines = createLines(socket);
      const hello = parseHello((await lines.next(HELLO_MS)) ?? '');
      if (hello && !isTaken && isSameCode(code, hello.code)) {
        isTaken = true;
        clearTimeout(timer);
        return resolve([socket, lines]);
      }
      complain(
        lines,
        isTaken ? 'another client is being served' : hello ? 'wrong code' : `this is version ${PROTOCOL}`,
      );
      socket.end();
      if (!hello || isTaken || ++wrong < MAX_WRONG) return;
      clearTimeout(timer);
      reject(
        new TsflannelError('BENCH_CODE', {
          detail: `${wrong} clients came with a wrong one; the last was at ${socket.remoteAddress}`,
        }),
      );
    }
    for (const server of servers) server.on('connection', (socket) => void meet(socket));
  });
}

async function listenOn(address: string, port: number): Promise<Server> {
  const server = createServer();
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, address);
  await once(server, 'listening').catch((error: unknown) => {
    throw new TsflannelError('BENCH_FAILED', { detail: `listening: ${String(error)}` }, error);
  });
  return server;
}

/** Serves one client, once. Rejects with BENCH_NO_CLIENT, BENCH_CODE, BENCH_FAILED. */
export async function serve(options: ServeOptions): Promise<Served> {
  const servers: Server[] = [];
  try {
    for (const address of options.listen) servers.push(await listenOn(address, options.port));
    const admitted = admit(servers, options);
    options.listening();
    const [socket, lines] = await admitted;
    const client = socket.remoteAddress ?? '';
    return { client, measurements: await session(lines, options) };
  } finally {
    for (const server of servers) server.close();
  }
}
