import { createServer, type Server } from 'node:http';
import { isIPv6 } from 'node:net';
import { TsflannelError } from '../errors.ts';

/** Where a port of the daemon is. */
export interface Address {
  readonly ip: string;
  readonly port: number;
}

/** What is said at one path. */
export interface Page {
  readonly status: 200 | 503;
  /** Of the text; plain unless given. */
  readonly type?: string;
  readonly text: string;
}

/** By path. */
export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

/** A port that listens. */
export interface HealthServer {
  close(): void;
}

/**
 * `/healthz` says ok while the process runs; `/readyz` only while subnet.env and routes are in place (as flanneld 0.28.9), else why not.
 * `waiting`: what the node waits for, a line each; `undefined` when it is ready.
 */
export const healthPages = (waiting: () => readonly string[] | undefined): Pages => ({
  '/healthz': () => ({ status: 200, text: 'ok\n' }),
  '/readyz': () => {
    const lines = waiting();
    return lines ? { status: 503, text: `not ready\n${lines.join('\n')}\n` } : { status: 200, text: 'ok\n' };
  },
});

const pageServer = (pages: Pages): Server =>
  createServer(async (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const say = (status: number, text: string, type = 'text/plain; charset=utf-8') =>
      response.writeHead(status, { 'content-type': type }).end(text);
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (!page) return say(404, '404\n');
    try {
      const { status, text, type } = await page();
      return say(status, text, type);
    } catch {
      // What is wrong with the node is for its log and for status; who asks here may be anybody.
      return say(500, '500\n');
    }
  });

async function listen({ ip, port }: Address, pages: Pages): Promise<HealthServer> {
  const server = pageServer(pages);
  server.headersTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ message }) =>
      reject(new TsflannelError('PORT_TAKEN', { port, address: isIPv6(ip) ? `[${ip}]` : ip, detail: message })),
    );
    server.listen(port, ip, resolve);
  });
  server.unref();
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Serves each group of pages at its address; groups of one address share a port. Throws PORT_TAKEN; nothing listens then. */
export async function servePages(
  groups: readonly { readonly at: Address; readonly pages: Pages }[],
): Promise<HealthServer> {
  const together = Map.groupBy(groups, ({ at }) => `${at.port} ${at.ip}`);
  const servers: HealthServer[] = [];
  const close = () => {
    for (const server of servers) server.close();
  };
  try {
    for (const [first, ...rest] of together.values())
      if (first)
        servers.push(await listen(first.at, Object.assign({}, first.pages, ...rest.map(({ pages }) => pages))));
  } catch (error) {
    close();
    throw error;
  }
  return { close };
}
