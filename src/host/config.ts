import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { buildConfig, checkedConfig } from '../config/build.ts';
import { type Overlap, overlapsOf } from '../config/check.ts';
import { type ConfigInput, type WriteResult, writeNetworkConfig } from '../config/write.ts';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { clientFiles, pkiDirOf } from '../etcd/pki-files.ts';
import { type Prefix, printPrefix } from '../model/address.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import { type EtcdFlags, etcdFlags } from '../output/flags.ts';
import type { ConfigEntry } from '../store/view.ts';
import { resolveConnection } from './connection.ts';
import { openStoreAt, plainKernel } from './node.ts';
import { observeInterfaces } from './scene.ts';

const MAX_BYTES = 65_536;

/** This host's routes against a network. */
export async function hostOverlap(network: Prefix): Promise<Overlap> {
  const kernel = await plainKernel();
  try {
    return overlapsOf(network, await observeInterfaces(kernel));
  } finally {
    await kernel.close();
  }
}

async function readStdin(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** A config text from a file, `-` being stdin. Throws USAGE. */
export async function readConfigText(path: string): Promise<string> {
  try {
    const text = path === '-' ? await readStdin() : await readFile(path, 'utf8');
    if (text.length > MAX_BYTES) throw new Error(`${text.length} bytes are too many`);
    return text;
  } catch (error) {
    throw new TsflannelError('USAGE', { detail: `--file ${path}: ${(error as Error).message}` }, error);
  }
}

/** Checks against this host and the live leases, then writes. */
export async function setConfig(
  flags: EtcdFlags,
  input: ConfigInput,
  how: { readonly force: boolean; readonly dryRun: boolean },
): Promise<WriteResult> {
  const store = await openStoreAt(await resolveConnection(flags));
  try {
    return await writeNetworkConfig(store, input, { ...how, overlap: hostOverlap });
  } finally {
    store.close();
  }
}

/** The config in etcd. Throws CONFIG_MISSING. */
export async function getConfig(flags: EtcdFlags): Promise<ConfigEntry> {
  const store = await openStoreAt(await resolveConnection(flags));
  try {
    const entry = await store.config();
    if (!entry) throw new TsflannelError('CONFIG_MISSING', { key: `${store.prefix}/config` });
    return entry;
  } finally {
    store.close();
  }
}

/** A config text checked without etcd: its own rules and this host's routes. Throws CONFIG_INVALID. */
export async function validateText(raw: string): Promise<{ config: NetworkConfig; overlap: Overlap }> {
  const config = checkedConfig(raw);
  return { config, overlap: await hostOverlap(config.network) };
}

/** Checks a network as a config of its own, before there is an etcd. Throws USAGE, CONFIG_INVALID or NETWORK_OVERLAP. */
export async function checkNetwork(network: string): Promise<void> {
  const { config, overlap } = await validateText(buildConfig({ network }, undefined));
  const [route] = overlap.conflicts;
  if (route !== undefined) throw new TsflannelError('NETWORK_OVERLAP', { network: printPrefix(config.network), route });
}

/** On the host with the CA key, the certificate that etcd's authentication lets do everything. */
function rootFiles(configDir: string): Partial<EtcdFlags> {
  const { certFile, keyFile } = clientFiles(pkiDirOf(configDir), 'root');
  return existsSync(certFile) && existsSync(keyFile) ? { 'etcd-certfile': certFile, 'etcd-keyfile': keyFile } : {};
}

/**
 * Writes a network through this folder's client.json: what the environment says of other clusters does not count. Where authentication
 * is on, it is written as root by certificate, else as the user in the environment.
 */
export async function setNetwork(network: string, configDir: string, env = process.env): Promise<WriteResult> {
  const none = Object.fromEntries(Object.keys(etcdFlags).map((name) => [name, undefined])) as unknown as EtcdFlags;
  const write = (more: Partial<EtcdFlags>) =>
    setConfig(
      { ...none, 'config-dir': configDir, ...rootFiles(configDir), ...more },
      { wish: { network } },
      { force: false, dryRun: false },
    );
  const { TSFLANNEL_ETCD_USERNAME: username, TSFLANNEL_ETCD_PASSWORD: password } = env;
  return write({}).catch((error: unknown) => {
    if (!username || !password || asTsflannelError(error).code !== 'ETCD_AUTH') throw error;
    return write({ 'etcd-username': username, 'etcd-password': password });
  });
}
