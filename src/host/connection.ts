import { TsflannelError } from '../errors.ts';
import { DEFAULT_PREFIX, parseKeyPrefix, readClientConfig } from '../files/client-config.ts';
import { parseEndpoints, printEndpoint } from '../model/endpoint.ts';
import type { EtcdFlags } from '../output/flags.ts';
import type { KvOptions } from '../store/kv.ts';

/** Where etcd is for this command, and under which prefix flannel's keys are. */
export interface Connection {
  readonly kv: KvOptions;
  readonly prefix: string;
}

const TIMEOUT_MS = 5_000;
const DEFAULT_ENDPOINT = 'http://127.0.0.1:2379';

function endpoints(text: string): readonly string[] {
  const parsed = parseEndpoints(text.split(','), '--etcd-endpoints', 2379);
  if (!parsed.ok)
    throw new TsflannelError('USAGE', { detail: `${parsed.rejection.where}: ${parsed.rejection.detail}` });
  return parsed.value.map(printEndpoint);
}

function keyPrefix(text: string): string {
  const parsed = parseKeyPrefix(text, '--etcd-prefix');
  if (!parsed.ok)
    throw new TsflannelError('USAGE', { detail: `${parsed.rejection.where}: ${parsed.rejection.detail}` });
  return parsed.value;
}

/** flanneld's units hand over `-etcd-cafile=` where there is none. */
const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/** Flags and environment (oclif has joined them) over client.json over defaults. Throws USAGE. */
export async function resolveConnection(flags: EtcdFlags): Promise<Connection> {
  const file = await readClientConfig(flags['config-dir']);
  const caFile = given(flags['etcd-cafile']) ?? file?.caFile;
  const certFile = given(flags['etcd-certfile']) ?? file?.certFile;
  const keyFile = given(flags['etcd-keyfile']) ?? file?.keyFile;
  const username = given(flags['etcd-username']);
  const password = given(flags['etcd-password']);
  const urls = given(flags['etcd-endpoints']);
  return {
    prefix: keyPrefix(given(flags['etcd-prefix']) ?? file?.prefix ?? DEFAULT_PREFIX),
    kv: {
      endpoints: urls === undefined ? (file?.endpoints ?? [DEFAULT_ENDPOINT]) : endpoints(urls),
      timeoutMs: TIMEOUT_MS,
      ...(caFile !== undefined && { caFile }),
      ...(certFile !== undefined && { certFile }),
      ...(keyFile !== undefined && { keyFile }),
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
    },
  };
}
