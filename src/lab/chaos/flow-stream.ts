import { connect, createServer, type Socket } from 'node:net';
import { now } from './chaos.ts';
import { FLOW_PORT, type StreamSeen } from './flow-wire.ts';

/** Echoes what comes by TCP. */
export function serveStream(): void {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(FLOW_PORT, '0.0.0.0');
}

/** One connection that is meant to live for ever. */
export interface Stream {
  reset(): void;
  seen(): StreamSeen;
  close(): void;
}

const EVERY_MS = 10;
const AGAIN_MS = 200;

/** Writes a few bytes each 10 ms and hears them again; opened anew when it breaks. */
export function createStream(to: string): Stream {
  let [resets, stall, last] = [0, 0, now()];
  let socket: Socket | undefined;
  let closed = false;
  function open(): void {
    if (closed) return;
    let mine: Socket | undefined = connect({ host: to, port: FLOW_PORT });
    socket = mine;
    mine.setNoDelay(true);
    mine.on('error', () => undefined);
    mine.on('data', () => {
      stall = Math.max(stall, now() - last);
      last = now();
    });
    mine.once('close', () => {
      if (!closed) resets++;
      mine = undefined;
      setTimeout(open, AGAIN_MS).unref();
    });
  }
  const timer = setInterval(() => {
    if (socket?.writable && !socket.connecting) socket.write('12345678');
  }, EVERY_MS);
  open();
  return {
    reset() {
      [resets, stall, last] = [0, 0, now()];
    },
    seen: () => ({ resets, stallMs: Math.max(stall, now() - last) }),
    close() {
      closed = true;
      clearInterval(timer);
      socket?.destroy();
    },
  };
}
