import { rm } from 'node:fs/promises';
import {
  type ClientConfig,
  clientConfigPath,
  DEFAULT_PREFIX,
  printClientConfig,
  readClientConfig,
  writeClientConfig,
} from '../files/client-config.ts';
import { printEndpoint } from '../model/endpoint.ts';
import { accessOf, localUrl, type Member } from './member.ts';
import type { ClusterStatus } from './members.ts';

interface ClientOptions {
  readonly configDir: string;
  /** Prefix of flannel's keys, where it was said. */
  readonly prefix?: string;
  readonly notice: (line: string) => void;
}

/**
 * Leads every command of this host to its own member first and to the others after it. Without a prefix the one that stands there is
 * kept; a file that says all this already is left alone. Resolves to whether it was written.
 */
export async function writeClient(member: Member, options: ClientOptions, cluster?: ClusterStatus): Promise<boolean> {
  const before = await readClientConfig(options.configDir);
  const local = printEndpoint(localUrl(member));
  const own = before?.dataDir === member.dataDir;
  const others = cluster?.rows.flatMap((row) => row.clientUrls) ?? (own ? before.endpoints : []);
  const after: ClientConfig = {
    endpoints: [...new Set([local, ...others])],
    prefix: options.prefix ?? before?.prefix ?? DEFAULT_PREFIX,
    ...accessOf(member),
    dataDir: member.dataDir,
  };
  const same = own && printClientConfig(before) === printClientConfig(after);
  if (same) return false;
  if (before && !own) options.notice(`client.json led to ${before.endpoints.join(', ')}; now it leads to ${local}`);
  await writeClientConfig(options.configDir, after);
  return true;
}

/** Puts client.json back as it was. */
export async function restoreClient(configDir: string, before: ClientConfig | undefined): Promise<void> {
  if (before) await writeClientConfig(configDir, before);
  else await rm(clientConfigPath(configDir), { force: true });
}
