/**
 * ui/ serves a page on loopback to whoever knows its key: three files and one document that is asked for once a second. It knows HTTP; it must not
 * know what is shown. Nothing can be changed through it.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { stringify } from '../model/json.ts';
import { packageRoot } from '../root.ts';

export interface PageServer {
  /** With the key. */
  readonly url: string;
  close(): Promise<void>;
}

/** What is served, and where its files are. */
const FILES: ReadonlyMap<string, { readonly path: readonly string[]; readonly type: string }> = new Map(
  Object.entries({
    '': { path: ['templates', 'page', 'page.html'], type: 'text/html; charset=utf-8' },
    'page.css': { path: ['templates', 'page', 'page.css'], type: 'text/css; charset=utf-8' },
    'page.js': { path: ['dist', 'page', 'page.js'], type: 'text/javascript; charset=utf-8' },
  }),
);

/** Nothing from elsewhere, no other page around this one, nothing remembered. */
const HEADERS = {
  'content-security-policy':
    "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

const LOOPBACK = '127.0.0.1';
const SCHEMA = 1;

const isKey = (given: string, key: string): boolean =>
  given.length === key.length && timingSafeEqual(Buffer.from(given), Buffer.from(key));

/** A page of elsewhere whose name leads to 127.0.0.1 sends another Host. */
const isOurHost = ({ headers, socket }: IncomingMessage): boolean =>
  headers.host === `${LOOPBACK}:${socket.localPort}` || headers.host === `localhost:${socket.localPort}`;

function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { ...HEADERS, 'content-type': type }).end(body);
}

async function sendState(response: ServerResponse, look: () => Promise<object>): Promise<void> {
  try {
    send(response, 200, 'application/json', stringify({ schemaVersion: SCHEMA, ...(await look()) }));
  } catch (error) {
    const { code, message } = asTsflannelError(error);
    send(response, 503, 'application/json', stringify({ schemaVersion: SCHEMA, error: { code, what: message } }));
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  key: string,
  look: () => Promise<object>,
): Promise<void> {
  const [, given = '', name = ''] = /^\/([^/?]*)\/([^/?]*)(?:\?.*)?$/.exec(request.url ?? '') ?? [];
  if (!isOurHost(request) || !isKey(given, key)) return send(response, 404, 'text/plain', 'not found\n');
  if (request.method !== 'GET') return send(response, 405, 'text/plain', 'this page is read only\n');
  if (name === 'state') return sendState(response, look);
  const file = FILES.get(name);
  if (!file) return send(response, 404, 'text/plain', 'not found\n');
  send(response, 200, file.type, await readFile(join(packageRoot(), ...file.path)));
}

/** `port` 0: any that is free. `look` makes the document. Throws PORT_TAKEN. */
export async function servePage(port: number, look: () => Promise<object>): Promise<PageServer> {
  const key = randomBytes(16).toString('hex');
  const server = createServer((request, response) => {
    answer(request, response, key, look).catch((error: Error) =>
      send(response, 500, 'text/plain', `${error.message}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ message }) =>
      reject(new TsflannelError('PORT_TAKEN', { port, address: LOOPBACK, detail: message })),
    );
    server.listen(port, LOOPBACK, resolve);
  });
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}/${key}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
