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
  /**
   * Counts anew. After a long outage TCP waits for its next try up to as long again (RFC 6298): a stream that is still silent is left to come
   * back by itself, and still counted when it breaks, while another one is measured.
   */
  reset(): void;
  seen(): StreamSeen;
  close(): void;
}

const EVERY_MS = 10;
const AGAIN_MS = 200;
/** Longer than the first tries of TCP take. */
const STALLED_MS = 1_000;

/** Writes a few bytes each 10 ms and hears them again; opened anew when it breaks. */
export function createStream(to: string, port = FLOW_PORT): Stream {
  let [resets, stall, last] = [0, 0, now()];
  let measured: Socket | undefined;
  const open = new Set<Socket>();
  let closed = false;
  function heard(socket: Socket): void {
    if (socket !== measured) {
      open.delete(socket);
      socket.destroy();
      return;
    }
    stall = Math.max(stall, now() - last);
    last = now();
  }
  function begin(): void {
    if (closed) return;
    const socket = connect({ host: to, port });
    measured = socket;
    open.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', () => heard(socket));
    socket.once('close', () => {
      if (!open.delete(socket) || closed) return;
      resets++;
      if (socket === measured) setTimeout(begin, AGAIN_MS).unref();
    });
  }
  const timer = setInterval(() => {
    if (measured?.writable && !measured.connecting) measured.write('12345678');
  }, EVERY_MS);
  begin();
  return {
    reset() {
      if (measured && open.has(measured) && now() - last > STALLED_MS) begin();
      [resets, stall, last] = [0, 0, now()];
    },
    seen: () => ({ resets, stallMs: Math.max(stall, now() - last) }),
    close() {
      closed = true;
      clearInterval(timer);
      for (const socket of open) socket.destroy();
    },
  };
}
