import { createServer } from 'node:http';
import { TsflannelError } from '../errors.ts';

/** A health port that listens. */
export interface HealthServer {
  close(): void;
}

/**
 * `/healthz` answers while the process runs; `/readyz` only while subnet.env and routes are in place (as flanneld 0.28.9).
 * Throws PORT_TAKEN.
 */
export async function serveHealth(at: { ip: string; port: number }, ready: () => boolean): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    const status = path === '/healthz' ? 200 : path === '/readyz' ? (ready() ? 200 : 503) : 404;
    response.writeHead(status, { 'content-type': 'text/plain' }).end(status === 200 ? 'ok\n' : `${status}\n`);
  });
  server.headersTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ message }) =>
      reject(new TsflannelError('PORT_TAKEN', { port: at.port, address: at.ip, detail: message })),
    );
    server.listen(at.port, at.ip, resolve);
  });
  server.unref();
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
