import { resolve } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { configValue, DAEMON_JSON, type DaemonJson, stringOf } from './daemon-json.ts';
import { flagValue, flagValues } from './flags.ts';

/** The default, and what `-H fd://` means under systemd. */
export const DOCKER_SOCKET = '/var/run/docker.sock';
const PID_FILE = '/var/run/docker.pid';

const config = (detail: string): TsflannelError => new TsflannelError('DOCKER_CONFIG', { detail });

/** daemon.json as this command line says, relative to the process's folder; `undefined`: dockerd's default. */
export function configFileFlag(argv: readonly string[], cwd: string): string | undefined {
  const given = flagValue(argv, 'config-file');
  return given === undefined ? undefined : resolve(cwd, given);
}

/**
 * The daemon.json to change. One asked for must be the one dockerd reads; where dockerd was not told any, a process can be told
 * (it is started with `--config-file`), a unit cannot. Throws DOCKER_CONFIG.
 */
export function configFileOf(given: string | undefined, asked: string | undefined, ownArgv: boolean): string {
  const reads = given ?? DAEMON_JSON;
  if (asked === undefined || asked === reads) return reads;
  if (given !== undefined || !ownArgv) throw config(`dockerd reads ${reads}, not ${asked}`);
  return asked;
}

/** Path of an API address; `undefined` for TCP. */
function unixPath(host: string): string | undefined {
  if (host.startsWith('fd://')) return DOCKER_SOCKET;
  const path = host.replace(/^unix:\/\//, '');
  if (host.startsWith('unix://')) return path === '' ? DOCKER_SOCKET : path;
  return host.startsWith('/') ? host : undefined;
}

/** The unix socket of dockerd's API. Throws DOCKER_CONFIG when it has none. */
export function socketOf(argv: readonly string[], daemonJson: DaemonJson): string {
  const fromFile = configValue(daemonJson, 'hosts');
  const listed = Array.isArray(fromFile) ? fromFile.filter((host) => typeof host === 'string') : [];
  const hosts = [...flagValues(argv, 'host'), ...listed];
  if (hosts.length === 0) return DOCKER_SOCKET;
  const socket = hosts.map(unixPath).find((path) => path !== undefined);
  if (socket === undefined) throw config(`dockerd listens on no unix socket: ${hosts.join(' ')}`);
  return socket;
}

/** Where dockerd writes its number. */
export const pidFileOf = (argv: readonly string[], daemonJson: DaemonJson): string =>
  flagValue(argv, 'pidfile') ?? stringOf(daemonJson, 'pidfile') ?? PID_FILE;
