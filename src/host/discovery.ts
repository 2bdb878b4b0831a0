import { resolve } from 'node:path';
import { lockFolder } from '../discovery/lock.ts';
import { openRegistries } from '../discovery/registries.ts';
import { startServer } from '../discovery/server.ts';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { makeFolders } from '../files/folders.ts';
import { logPath } from '../files/run-dir.ts';
import { printIp } from '../model/address.ts';
import { type Endpoint, parseEndpoint, printEndpoint } from '../model/endpoint.ts';
import { notice } from '../output/command.ts';
import { detach, reportToParent } from './detach.ts';

/** The flags of `discovery serve`, as oclif hands them over. */
export interface ServeFlags {
  readonly 'data-dir': string;
  readonly 'run-dir': string;
  readonly listen: string;
  readonly 'public-url'?: string | undefined;
  readonly 'token-hours': number;
  readonly 'max-tokens': number;
  readonly timeout: number;
}

/** A port may be left out. */
const DEFAULT_PORT = 8087;
/** As etcd: a poll that hears nothing ends after five minutes and is asked again. */
const WAIT_MS = 300_000;
const CLEAN_MS = 600_000;

function endpoint(flag: string, text: string, port: number): Endpoint {
  const parsed = parseEndpoint(text, flag, port);
  if (parsed.ok) return parsed.value;
  throw new TsflannelError('USAGE', { detail: `${flag}: ${parsed.rejection.detail}` });
}

function listenOf(flags: ServeFlags): { readonly host: string; readonly port: number } {
  const { ip, port } = endpoint('--listen', flags.listen, DEFAULT_PORT);
  if (!ip) throw new TsflannelError('USAGE', { detail: `--listen ${flags.listen}: ADDRESS:PORT is expected` });
  return { host: printIp(ip), port };
}

const publicUrlOf = (flags: ServeFlags): { readonly publicUrl?: Endpoint } => {
  const text = flags['public-url'];
  if (text === undefined) return {};
  return { publicUrl: endpoint('--public-url', text, text.trim().startsWith('https:') ? 443 : DEFAULT_PORT) };
};

const told = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });

async function serve(flags: ServeFlags): Promise<void> {
  const listen = listenOf(flags);
  const service = publicUrlOf(flags);
  const dataDir = resolve(flags['data-dir']);
  const unlock = await lockFolder(dataDir);
  const registries = await openRegistries({
    dataDir,
    maxTokens: flags['max-tokens'],
    ttlMs: flags['token-hours'] * 3_600_000,
    now: () => Date.now(),
    notice,
  });
  const ended = told();
  const cleaning = setInterval(
    () => void registries.forgetOld().catch((error: Error) => notice(error.message)),
    CLEAN_MS,
  );
  try {
    const server = await startServer({ registries, ...service }, { ...listen, waitMs: WAIT_MS });
    notice(`discovery service on ${listen.host}:${server.port}, data ${dataDir}`);
    reportToParent({ ready: true });
    await ended;
    await server.stop();
  } finally {
    clearInterval(cleaning);
    await unlock();
  }
}

/** Serves in this process until SIGTERM or SIGINT. Rejects with USAGE, FILE_FAILED, FOLDER_IN_USE or LISTEN_FAILED. */
export async function serveHere(flags: ServeFlags): Promise<void> {
  try {
    await serve(flags);
  } catch (error) {
    const { code, message, why, fix } = asTsflannelError(error);
    reportToParent({ ready: false, error: { code, message, why, fix } });
    throw error;
  }
}

/** A service that runs in the background. */
export interface Served {
  readonly pid: number;
  readonly log: string;
  /** Where `init --new-discovery` asks for a URL. */
  readonly url: string;
}

/** The detached process stands in another folder, and gets all that the environment said as flags. */
const argvOf = (flags: ServeFlags): readonly string[] => [
  ...['discovery', 'serve', '--listen', flags.listen, '--data-dir', resolve(flags['data-dir'])],
  ...(flags['public-url'] === undefined ? [] : ['--public-url', flags['public-url']]),
  ...['--token-hours', String(flags['token-hours']), '--max-tokens', String(flags['max-tokens'])],
];

/** Starts the service in the background; resolves once it listens. Rejects with USAGE, DAEMON_FAILED or what the service failed with. */
export async function serveDetached(flags: ServeFlags): Promise<Served> {
  const { host, port } = listenOf(flags);
  const { publicUrl } = publicUrlOf(flags);
  // The run folder's own log is the daemon's.
  const runDir = resolve(flags['run-dir'], 'discovery');
  await makeFolders([runDir]);
  const pid = await detach(argvOf(flags), runDir, flags.timeout);
  const anywhere = host === '0.0.0.0' || host === '::';
  const own = anywhere ? `http://THIS-HOST:${port}` : printEndpoint(endpoint('--listen', flags.listen, DEFAULT_PORT));
  return { pid, log: logPath(runDir), url: publicUrl ? printEndpoint(publicUrl) : own };
}
