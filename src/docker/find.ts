import { stat } from 'node:fs/promises';
import { TsflannelError } from '../errors.ts';
import { readIfThere } from '../files/atomic.ts';
import { DAEMON_JSON, type DaemonJson, parseDaemonJson } from './daemon-json.ts';
import { configFileFlag, pidFileOf, socketOf } from './places.ts';
import { plainService } from './plain.ts';
import {
  type ProcessSpec,
  processesHere,
  processesNamed,
  type RunningProcess,
  sharesNamespace,
  specOf,
} from './process.ts';
import type { Run } from './run.ts';
import type { DockerService } from './service.ts';
import { dockersUnit, isInitScripts, systemdService, sysvinitService, type UnitFacts, unitOf } from './units.ts';

/** This host's dockerd. */
export interface FoundDocker {
  readonly service: DockerService;
  /** How it was started; `undefined` for a unit that does not run. */
  readonly spec: ProcessSpec | undefined;
  readonly unit: UnitFacts | undefined;
}

export interface FindOptions {
  /** API socket by which one of several is told. */
  readonly socket: string | undefined;
  /** How it ran when it was last seen: for a dockerd that a broken-off run left down. */
  readonly remembered: ProcessSpec | undefined;
  /** For the output of a dockerd that had no log file. */
  readonly logFolder: string;
  readonly run: Run;
}

const notFound = (detail: string): TsflannelError => new TsflannelError('DOCKER_NOT_FOUND', { detail });

/** The dockerd's own configuration; a broken file is told later, by whoever has to change it. */
async function configOf(spec: ProcessSpec): Promise<DaemonJson> {
  const file = configFileFlag(spec.argv, spec.cwd) ?? DAEMON_JSON;
  try {
    return parseDaemonJson(await readIfThere(file), file);
  } catch {
    return {};
  }
}

const socketOfSpec = async (spec: ProcessSpec): Promise<string | undefined> => {
  try {
    return socketOf(spec.argv, await configOf(spec));
  } catch {
    return undefined;
  }
};

interface Candidate {
  readonly process: RunningProcess;
  readonly spec: ProcessSpec;
}

async function choose(candidates: readonly Candidate[], socket: string | undefined): Promise<Candidate | undefined> {
  if (socket === undefined || candidates.length < 2) {
    if (candidates.length < 2) return candidates[0];
    const pids = candidates.map(({ process }) => process.pid).join(', ');
    throw notFound(`several run in this network namespace (${pids}): say which with --docker-socket`);
  }
  for (const candidate of candidates) if ((await socketOfSpec(candidate.spec)) === socket) return candidate;
  throw notFound(`none that runs here has the socket ${socket}`);
}

const unsupported = (detail: string): TsflannelError => new TsflannelError('DOCKER_UNSUPPORTED', { detail });

/**
 * Why a dockerd is not this host's own: one in a user or process namespace of its own is another user's (rootless) or a container's.
 * `undefined`: it is.
 */
async function foreignness({ pid }: RunningProcess): Promise<string | undefined> {
  if (!(await sharesNamespace(pid, 'user')))
    return `process ${pid} is a rootless Docker: its containers are in a network namespace of its user, to which no route of this host leads`;
  if (!(await sharesNamespace(pid, 'pid'))) return `process ${pid} runs inside a container`;
  return undefined;
}

const isHosts = async (process: RunningProcess): Promise<boolean> => (await foreignness(process)) === undefined;

/** A snap is read-only, and its dockerd is confined to files of its own. Throws DOCKER_UNSUPPORTED. */
export function refuseSnap({ exe }: Pick<ProcessSpec, 'exe'>, pid: number): void {
  if (/^(?:\/var\/lib\/snapd)?\/snap\//.test(exe))
    throw unsupported(
      `process ${pid} is Docker from a snap (${exe}): it reads only its own daemon.json, under snapd's control`,
    );
}

async function ofRunning({ process, spec }: Candidate, { run, logFolder }: FindOptions): Promise<FoundDocker> {
  const pidFile = pidFileOf(spec.argv, await configOf(spec));
  const unit = await unitOf(run, process);
  if (unit) return { service: systemdService(run, unit.name, spec.argv), spec, unit };
  const service = (await isInitScripts(process))
    ? sysvinitService({ run, process, argv: spec.argv, pidFile })
    : await plainService({ spec, process, pidFile, logFolder });
  return { service, spec, unit: undefined };
}

async function ofStopped({ run, remembered, logFolder }: FindOptions): Promise<FoundDocker> {
  const unit = await dockersUnit(run);
  if (unit) return { service: systemdService(run, unit.name, unit.execStart), spec: undefined, unit };
  if (!remembered) throw notFound('no process named dockerd runs in this network namespace');
  const pidFile = pidFileOf(remembered.argv, await configOf(remembered));
  const service = await plainService({ spec: remembered, process: undefined, pidFile, logFolder });
  return { service, spec: remembered, unit: undefined };
}

/** Where a dockerd runs, but none of the host's: why it cannot be had. A rootless one is in a network namespace of its own. */
async function onlyForeign(here: readonly RunningProcess[]): Promise<TsflannelError | undefined> {
  for (const process of [...here, ...(await processesNamed('dockerd'))]) {
    const reason = await foreignness(process).catch(() => undefined);
    const isRootless = reason !== undefined && !(await sharesNamespace(process.pid, 'user'));
    if (reason !== undefined && (isRootless || here.includes(process))) return unsupported(reason);
  }
  return undefined;
}

/** Finds the dockerd of this network namespace and how it is run. Rejects with DOCKER_NOT_FOUND or DOCKER_UNSUPPORTED. */
export async function findDocker(options: FindOptions): Promise<FoundDocker> {
  const found = await processesHere('dockerd');
  const candidates: Candidate[] = [];
  for (const process of found)
    if (await isHosts(process)) candidates.push({ process, spec: await specOf(process.pid) });
  const candidate = await choose(candidates, options.socket);
  if (!candidate) return ofStopped(options).catch(async (error) => Promise.reject((await onlyForeign(found)) ?? error));
  refuseSnap(candidate.spec, candidate.process.pid);
  return ofRunning(candidate, options);
}

/** Whether the process sees the same files as we do: `ip netns exec` gives it mounts of its own, but the same root. */
async function sharesFiles(pid: number): Promise<boolean> {
  const [theirs, ours] = await Promise.all([stat(`/proc/${pid}/root/`), stat('/')]);
  return theirs.dev === ours.dev && theirs.ino === ours.ino;
}

/** Numbers of the dockerds of other network namespaces that read this daemon.json. */
export async function othersReading(configFile: string): Promise<number[]> {
  const all = await processesNamed('dockerd');
  const here = await Promise.all(all.map(({ pid }) => sharesNamespace(pid, 'net')));
  const others = all.filter((_, index) => !here[index]);
  const reads = async (process: RunningProcess): Promise<boolean> => {
    const { pid } = process;
    const { argv, cwd } = await specOf(pid);
    return (
      (await isHosts(process)) && (await sharesFiles(pid)) && (configFileFlag(argv, cwd) ?? DAEMON_JSON) === configFile
    );
  };
  // One that ends meanwhile reads nothing.
  const reading = await Promise.all(others.map((each) => reads(each).catch(() => false)));
  return others.filter((_, index) => reading[index]).map(({ pid }) => pid);
}
