import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP relay on loopback that can fail in the ways a network does. */
export interface Relay {
  readonly port: number;
  /** Resets all connections; new ones are taken. */
  cut(): void;
  /** Ends every connection after it has brought this many more bytes to its client. */
  cutAfter(bytes: number): void;
  /** Bytes are swallowed in both directions, connections stay open: a half-open link. */
  swallow(on: boolean): void;
  /** Answers are swallowed, requests pass. */
  swallowAnswers(on: boolean): void;
  /** New connections are reset at once. */
  refuse(on: boolean): void;
  /** How often connections were cut. */
  cuts(): number;
  /** How many connections were taken. */
  connections(): number;
  close(): Promise<void>;
}

/** Listens on a free port and passes everything to `target`, a port of loopback. */
export async function startRelay(target: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let taken = 0;
  let cuts = 0;
  let limit = Number.POSITIVE_INFINITY;
  let refusing = false;
  let swallowRequests = false;
  let swallowReplies = false;

  const server = createServer((client) => {
    taken++;
    if (refusing) {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (bytes) => void (!swallowRequests && upstream.write(bytes)));
    upstream.on('data', (bytes) => {
      if (swallowReplies) return;
      client.write(bytes);
      limit -= bytes.length;
      if (limit > 0) return;
      limit = Number.POSITIVE_INFINITY;
      cut();
    });
  });
  const cut = (): void => {
    cuts++;
    for (const socket of sockets) socket.resetAndDestroy();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cut,
    cutAfter(bytes) {
      limit = bytes;
    },
    swallow(on) {
      swallowRequests = on;
      swallowReplies = on;
    },
    swallowAnswers(on) {
      swallowReplies = on;
    },
    refuse(on) {
      refusing = on;
    },
    cuts: () => cuts,
    connections: () => taken,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
