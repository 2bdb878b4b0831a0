import { setTimeout as sleep } from 'node:timers/promises';
import { TsflannelError } from '../errors.ts';
import { readBytesIfThere } from '../files/atomic.ts';
import { type Container, type DockerApi, type DockerInfo, dockerApi } from './api.ts';
import type { Bridge } from './bridge.ts';
import { parseDaemonJson } from './daemon-json.ts';
import { directRoutingOf, RAW_SWITCH } from './direct-routing.ts';
import { type FoundDocker, findDocker, othersReading } from './find.ts';
import { type Journal, readJournal } from './journal.ts';
import { configFileFlag, configFileOf, socketOf } from './places.ts';
import type { Facts, FileState } from './plan.ts';
import type { ProcessSpec } from './process.ts';
import { type Run, runTool } from './run.ts';
import type { DockerService } from './service.ts';
import type { UnitFacts } from './units.ts';

const API_MS = 30_000;
const POLL_MS = 50;

/** Which Docker, and where things are kept; `undefined` where the user did not say. */
export interface DockerPlace {
  readonly stateDir: string;
  readonly configFile: string | undefined;
  readonly socket: string | undefined;
}

/** What the docker commands are given besides their flags. */
export interface DockerParts {
  readonly bridge: Bridge;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Progress, one line a call. */
  readonly notice: (line: string) => void;
  /** Asks, or rejects with NEEDS_CONFIRMATION or ABORTED; `change` is the text of what will happen. */
  readonly confirm: (change: string, containers: readonly string[]) => Promise<void>;
  /** Offers to stop these containers in this order; absent where nobody can be asked. */
  readonly offerStop?: ((containers: readonly string[]) => Promise<boolean>) | undefined;
  /** Rings the daemon once Docker is switched. */
  readonly notifyDaemon?: () => Promise<void>;
  /** For tests. */
  readonly run?: Run;
}

/** Everything known of this host's Docker before anything is changed. */
export interface Gathered {
  readonly service: DockerService;
  readonly spec: ProcessSpec | undefined;
  readonly unit: UnitFacts | undefined;
  readonly api: DockerApi;
  readonly journal: Journal | undefined;
  readonly facts: Facts;
  /** `undefined`: no dockerd runs. */
  readonly info: DockerInfo | undefined;
  /** dockerd's version, as far as it can be told. */
  readonly version: string | undefined;
  readonly running: readonly Container[];
}

/** The file as text. Its bytes must come back from the text exactly, so other encodings are refused (dockerd wants UTF-8 too). */
export async function readState(path: string): Promise<FileState> {
  const bytes = await readBytesIfThere(path);
  const text = bytes?.toString('utf8');
  if (bytes && !bytes.equals(Buffer.from(text ?? '')))
    throw new TsflannelError('DOCKER_CONFIG', { detail: `${path} is not UTF-8 text` });
  return { path, text };
}

async function refuseShared(path: string): Promise<void> {
  const others = await othersReading(path);
  if (others.length === 0) return;
  throw new TsflannelError('DOCKER_CONFIG', {
    detail: `${path} is also read by a dockerd of another network namespace (process ${others.join(', ')}): give this one its own with --config-file`,
  });
}

/** One that has just been started (at boot, or by a run that was broken off) takes a moment. */
async function waitForApi(api: DockerApi, service: DockerService, signal: AbortSignal): Promise<boolean> {
  const end = performance.now() + API_MS;
  while (await service.isRunning()) {
    if (await api.ping()) return true;
    if (signal.aborted) throw new TsflannelError('ABORTED');
    if (performance.now() > end) {
      const detail = `${service.label} runs and says nothing`;
      throw new TsflannelError('DOCKER_UNREACHABLE', { socket: api.socket, detail });
    }
    await sleep(POLL_MS);
  }
  return false;
}

/** What the program says of itself, where no dockerd runs that could be asked. */
async function versionOf(run: Run, { spec, unit }: FoundDocker): Promise<string | undefined> {
  const exe = spec?.exe ?? unit?.execStart[0];
  const text = exe === undefined ? '' : await run(exe, ['--version']).catch(() => '');
  return /version (\d+\.\d+[^\s,]*)/.exec(text)?.[1];
}

/** Finds dockerd and reads its options, docker0 and what it says itself. Changes nothing. */
export async function gather(
  place: DockerPlace,
  parts: Pick<DockerParts, 'bridge' | 'signal' | 'run'>,
  envFile?: { readonly path: string; readonly key: string },
): Promise<Gathered> {
  const journal = await readJournal(place.stateDir);
  const run = parts.run ?? runTool();
  const file = envFile ?? journal?.wish?.envFile;
  const remembered = journal?.process;
  const found = await findDocker({ socket: place.socket, remembered, logFolder: place.stateDir, run });
  const { service, spec, unit } = found;
  const given = configFileFlag(service.argv, spec?.cwd ?? '/');
  const path = configFileOf(given, place.configFile, service.ownArgv);
  const daemonJson = await readState(path);
  await refuseShared(path);
  const api = dockerApi(place.socket ?? socketOf(service.argv, parseDaemonJson(daemonJson.text, path)));
  const runs = await waitForApi(api, service, parts.signal);
  const info = runs ? await api.info() : undefined;
  const version = info?.version ?? (await versionOf(run, found));
  return {
    ...{ service, spec, unit, api, journal, info, version },
    facts: {
      label: service.label,
      argv: service.argv,
      ownArgv: service.ownArgv,
      daemonJson,
      tellConfigFile: given === undefined && place.configFile === path,
      envFile: file && { ...(await readState(file.path)), key: file.key },
      docker0: await parts.bridge.addresses(),
      bridge: runs ? await api.bridge() : undefined,
      directRouting: directRoutingOf(version),
      rawSwitch: spec?.env[RAW_SWITCH] === '1',
    },
    running: runs ? await api.running() : [],
  };
}

/**
 * With live-restore a restart keeps containers, and Docker then keeps the old bridge for them: refused unless they may be stopped, which
 * a person is asked. Resolves to whether they may.
 */
export async function mayStop(
  { info, running }: Gathered,
  { stopContainers, dryRun }: { readonly stopContainers: boolean; readonly dryRun: boolean },
  parts: Pick<DockerParts, 'offerStop'>,
): Promise<boolean> {
  if (!info?.liveRestore || running.length === 0 || stopContainers) return stopContainers;
  const names = running.map(({ name }) => name);
  if (!dryRun && (await parts.offerStop?.(names.toReversed()))) return true;
  throw new TsflannelError('DOCKER_LIVE_RESTORE', { containers: names.join(', ') });
}
