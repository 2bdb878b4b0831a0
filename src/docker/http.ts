import { request } from 'node:http';
import { TsflannelError } from '../errors.ts';
import { field, printable } from '../model/parsed.ts';

/** Requests to Docker's API over its unix socket, and the parts of its answers. Local and not trusted: time and size are bounded. */

export type Json = Readonly<Record<string, unknown>>;

/** Its status and text. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Sent {
  /** Milliseconds. */
  readonly timeout?: number;
  /** JSON. */
  readonly body?: string;
}

const TIMEOUT_MS = 10_000;
/** A stop waits for the container's own grace period, which users set to minutes. */
const STOP_TIMEOUT_MS = 600_000;
const MAX_BYTES = 16 * 1024 * 1024;

function ask(socketPath: string, method: string, path: string, sent: Sent = {}): Promise<Answer> {
  const { timeout = TIMEOUT_MS, body } = sent;
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, timeout, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES) outgoing.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
      incoming.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${timeout / 1000} s`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const objects = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
export const child = (value: Json, name: string): Json => {
  const inner = field(value, name);
  return isObject(inner) ? inner : {};
};

const unreachable = (socket: string, detail: string): TsflannelError =>
  new TsflannelError('DOCKER_UNREACHABLE', { socket, detail: printable(detail) });

/** Whether it answers. */
export const ping = (socket: string): Promise<boolean> =>
  ask(socket, 'GET', '/_ping').then(
    ({ status }) => status === 200,
    () => false,
  );

/** The JSON value at `path`. Rejects with DOCKER_UNREACHABLE for every answer but 200. */
export async function get(socket: string, path: string): Promise<unknown> {
  const { status, body } = await ask(socket, 'GET', path).catch((error: Error) => {
    throw unreachable(socket, error.message);
  });
  try {
    if (status !== 200) throw new Error(`${path} answered ${status}: ${body}`);
    return JSON.parse(body);
  } catch (error) {
    throw unreachable(socket, (error as Error).message);
  }
}

/** Asks for a change; resolves to the status, which is one of `accepted`. Rejects with DOCKER_UNREACHABLE. */
export async function post(socket: string, path: string, accepted: readonly number[]): Promise<number> {
  const { status, body } = await ask(socket, 'POST', path, { timeout: STOP_TIMEOUT_MS }).catch((error: Error) => {
    throw unreachable(socket, error.message);
  });
  if (!accepted.includes(status)) throw unreachable(socket, `${path} answered ${status}: ${body}`);
  return status;
}

/** Asks for a change that Docker may refuse; resolves to its answer. Rejects with DOCKER_UNREACHABLE when there is none. */
export const change = (socket: string, method: 'POST' | 'DELETE', path: string, value?: Json): Promise<Answer> =>
  ask(socket, method, path, value && { body: JSON.stringify(value) }).catch((error: Error) => {
    throw unreachable(socket, error.message);
  });
