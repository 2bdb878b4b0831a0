import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { parseV2, V2_MAX_BYTES, type V2Store } from '../config/v2.ts';
import { TsflannelError } from '../errors.ts';
import { parseKeyPrefix } from '../files/client-config.ts';
import { parseEndpoint, printEndpoint } from '../model/endpoint.ts';
import { printable } from '../model/parsed.ts';

const TIMEOUT_MS = 30_000;

/** Where the old store is; TLS paths are files. */
export interface Source {
  readonly url: string;
  /** Prefix of flannel's keys there; absent: as in the new store. */
  readonly prefix?: string | undefined;
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

const failed = (detail: string): TsflannelError => new TsflannelError('IMPORT_FAILED', { detail });

async function material({ caFile, certFile, keyFile }: Source) {
  const read = (file: string) =>
    readFile(file).catch((error: Error) => {
      throw new TsflannelError('FILE_UNREADABLE', { file, detail: error.message }, error);
    });
  return {
    ...(caFile !== undefined && { ca: await read(caFile) }),
    ...(certFile !== undefined && { cert: await read(certFile) }),
    ...(keyFile !== undefined && { key: await read(keyFile) }),
  };
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > V2_MAX_BYTES) throw new Error(`the reply exceeds ${V2_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

/** One GET; an old cluster may ask for certificates of its own, which fetch has no way to show. Rejects with what went wrong. */
async function get(url: string, tls: Awaited<ReturnType<typeof material>>): Promise<Reply> {
  const { get: open } = url.startsWith('https:') ? await import('node:https') : await import('node:http');
  const options = { ...tls, agent: false as const, signal: AbortSignal.timeout(TIMEOUT_MS) };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    open(url, options, resolve).on('error', reject);
  });
  return { status: response.statusCode ?? 0, body: await bodyOf(response) };
}

function storeOf({ status, body }: Reply, url: string, prefix: string): V2Store {
  if (status === 404 && !body.includes('errorCode'))
    throw failed(`${url} has no v2 API: etcd runs without --enable-v2`);
  if (status === 404) throw failed(`there is nothing at ${prefix}; pass --v2-prefix`);
  if (status !== 200) throw failed(`HTTP ${status}: ${printable(body)}`);
  const parsed = parseV2(body);
  if (parsed.ok) return parsed.value;
  throw failed(parsed.rejection.detail);
}

/** Reads the old store. Rejects with USAGE, FILE_UNREADABLE, IMPORT_FAILED or ETCD_UNREACHABLE. */
export async function readV2(source: Source, fallback: string): Promise<V2Store> {
  const { url } = source;
  const endpoint = parseEndpoint(url, '--from-v2', 2379);
  if (!endpoint.ok) throw new TsflannelError('USAGE', { detail: `--from-v2: ${endpoint.rejection.detail}` });
  const below = parseKeyPrefix(source.prefix ?? fallback, '--v2-prefix');
  if (!below.ok) throw new TsflannelError('USAGE', { detail: `--v2-prefix: ${below.rejection.detail}` });
  const keys = `${printEndpoint(endpoint.value)}/v2/keys${below.value}?recursive=true&quorum=true`;
  const reply = await get(keys, await material(source)).catch((error: Error) => {
    if (error instanceof TsflannelError) throw error;
    const detail = error.name === 'TimeoutError' || error.name === 'AbortError' ? 'no answer in time' : error.message;
    throw new TsflannelError('ETCD_UNREACHABLE', { endpoints: url, detail: printable(detail) }, error);
  });
  return storeOf(reply, url, below.value);
}
