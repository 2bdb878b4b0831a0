import { resolve } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { parseKeyPrefix, readClientConfig } from '../files/client-config.ts';

export const DEFAULT_DATA_DIR = '/var/lib/tsflannel/etcd';

/** The folders of this host's member, absolute. */
export interface MemberPaths {
  readonly dataDir: string;
  readonly runDir: string;
  readonly configDir: string;
}

/** The folders in the flags; without a data dir the one client.json knows, else the default. */
export async function memberPaths(flags: {
  readonly 'data-dir'?: string | undefined;
  readonly 'run-dir': string;
  readonly 'config-dir': string;
}): Promise<MemberPaths> {
  const configDir = resolve(flags['config-dir']);
  const given = flags['data-dir'];
  const dataDir = given === undefined ? (await readClientConfig(configDir))?.dataDir : resolve(given);
  return { dataDir: dataDir ?? DEFAULT_DATA_DIR, runDir: resolve(flags['run-dir']), configDir };
}

/** The prefix in the flag, if it is given. Throws USAGE. */
export function keyPrefix(text: string | undefined): { readonly prefix?: string } {
  if (text === undefined) return {};
  const parsed = parseKeyPrefix(text, '--etcd-prefix');
  if (parsed.ok) return { prefix: parsed.value };
  throw new TsflannelError('USAGE', { detail: `--etcd-prefix: ${parsed.rejection.detail}` });
}

/** The etcd program in the flag, absolute, if it is given. */
export const etcdBinary = (path: string | undefined): { readonly etcd?: string } =>
  path === undefined ? {} : { etcd: resolve(path) };
