import { applyImport, type ImportPlan, type LeaseStep, planImport } from '../config/import.ts';
import { parseV2, V2_MAX_BYTES, type V2Store } from '../config/v2.ts';
import { TsflannelError } from '../errors.ts';
import { request } from '../etcd/http.ts';
import { parseKeyPrefix } from '../files/client-config.ts';
import { parseEndpoint, printEndpoint } from '../model/endpoint.ts';
import { printable } from '../model/parsed.ts';
import type { EtcdFlags } from '../output/flags.ts';
import type { Store } from '../store/store.ts';
import { resolveConnection } from './connection.ts';
import { openStoreAt } from './node.ts';

const TIMEOUT_MS = 30_000;

/** Where the old store is. */
export interface Source {
  readonly url: string;
  /** Prefix of flannel's keys there; absent: as in the new store. */
  readonly prefix?: string | undefined;
}

/** An import that is planned; `close` ends it. */
export interface Import {
  readonly from: V2Store;
  readonly plan: ImportPlan;
  apply(): Promise<readonly LeaseStep[]>;
  close(): void;
}

const failed = (detail: string): TsflannelError => new TsflannelError('IMPORT_FAILED', { detail });

async function readV2({ url, prefix }: Source, fallback: string): Promise<V2Store> {
  const endpoint = parseEndpoint(url, '--from-v2', 2379);
  if (!endpoint.ok) throw new TsflannelError('USAGE', { detail: `--from-v2: ${endpoint.rejection.detail}` });
  const below = parseKeyPrefix(prefix ?? fallback, '--v2-prefix');
  if (!below.ok) throw new TsflannelError('USAGE', { detail: `--v2-prefix: ${below.rejection.detail}` });
  const keys = `${printEndpoint(endpoint.value)}/v2/keys${below.value}?recursive=true&quorum=true`;
  const reply = await request(keys, TIMEOUT_MS, undefined, V2_MAX_BYTES);
  if (!reply.ok) throw new TsflannelError('ETCD_UNREACHABLE', { endpoints: url, detail: reply.rejection.detail });
  const { status, body } = reply.value;
  if (status === 404 && !body.includes('errorCode'))
    throw failed(`${url} has no v2 API: etcd runs without --enable-v2`);
  if (status === 404) throw failed(`there is nothing at ${below.value}; pass --v2-prefix`);
  if (status !== 200) throw failed(`HTTP ${status}: ${printable(body)}`);
  const parsed = parseV2(body);
  if (parsed.ok) return parsed.value;
  throw failed(parsed.rejection.detail);
}

/** Reads the old store and plans what is to be written into the new one. Rejects with USAGE, IMPORT_FAILED, ETCD_UNREACHABLE, IMPORT_CONFLICT. */
export async function openImport(flags: EtcdFlags, source: Source, force: boolean): Promise<Import> {
  const connection = await resolveConnection(flags);
  const from = await readV2(source, connection.prefix);
  const store: Store = await openStoreAt(connection);
  try {
    const plan = await planImport(store, from, force);
    return { from, plan, apply: () => applyImport(store, plan), close: () => store.close() };
  } catch (error) {
    store.close();
    throw error;
  }
}
