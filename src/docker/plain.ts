import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TsflannelError } from '../errors.ts';
import { failPoint } from '../fail-point.ts';
import { readIfThere } from '../files/atomic.ts';
import {
  insideMounts,
  isLasting,
  isRunning,
  type ProcessSpec,
  type RunningProcess,
  runningProcess,
  sharesNamespace,
} from './process.ts';
import { findProgram, leadsTo, oneLine } from './run.ts';
import type { DockerService, Environment, StartedDocker } from './service.ts';

/** dockerd gives its containers up to 10 s each, more where users say so. */
const STOP_MS = 120_000;
const PID_FILE_MS = 2_000;
const POLL_MS = 25;

async function until(condition: () => Promise<boolean>, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Ends a dockerd as its init script would: SIGTERM, then wait until it and its pid file are gone. Rejects with TOOL_FAILED. */
export async function endProcess(process: RunningProcess, pidFile: string): Promise<void> {
  if (!(await isRunning(process))) return;
  globalThis.process.kill(process.pid, 'SIGTERM');
  failPoint('dockerd-ended');
  if (!(await until(async () => !(await isRunning(process)), STOP_MS)))
    throw new TsflannelError('TOOL_FAILED', {
      tool: 'dockerd',
      detail: `process ${process.pid} did not end within ${STOP_MS / 1000} s of SIGTERM`,
    });
  const named = async () => (await readIfThere(pidFile))?.trim() === String(process.pid);
  await until(async () => !(await named()), PID_FILE_MS);
}

/** Mount namespace and working directory to start in, as paths that can be opened while we live. */
interface Home {
  readonly mounts: string;
  readonly cwd: string;
  readonly close: () => void;
}

/** Keeps the namespace open: the process is about to end. */
function keepHome(pid: number, folder: string): Home {
  const open = [openSync(`/proc/${pid}/ns/mnt`, 'r'), openSync(`/proc/${pid}/root${folder}`, 'r')];
  const [mounts, cwd] = open.map((fd) => `/proc/${process.pid}/fd/${fd}`);
  return { mounts: mounts!, cwd: cwd!, close: () => open.map((fd) => closeSync(fd)) };
}

/**
 * `ip netns exec` gives every command a mount namespace with a /sys of its own, in which dockerd finds no cgroups and does not start:
 * a dockerd from another mount namespace has to go back there. `undefined`: it is ours too.
 */
async function homeOf(spec: ProcessSpec, running: RunningProcess | undefined): Promise<Home | undefined> {
  const inside = running?.pid ?? (await insideMounts(spec.mounts));
  if (inside === undefined || inside === 'self' || (await sharesNamespace(inside, 'mnt'))) return undefined;
  return keepHome(inside, spec.cwd);
}

interface Launch {
  readonly file: string;
  readonly argv0: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

async function launchOf(spec: ProcessSpec, argv: readonly string[], home: Home | undefined): Promise<Launch> {
  const argv0 = argv[0] ?? spec.exe;
  if (!home) return { file: spec.exe, argv0, args: argv.slice(1), cwd: spec.cwd };
  const nsenter = await findProgram('nsenter');
  if (nsenter === undefined)
    throw new TsflannelError('TOOL_MISSING', {
      tool: 'nsenter',
      detail: 'PATH has no nsenter',
      package: 'util-linux',
    });
  const into = [`--mount=${home.mounts}`, `--wd=${home.cwd}`, '--'];
  // nsenter has no way to say argv[0]: the name alone will do where it leads to the same program.
  const program = (await leadsTo(argv0, spec.env.PATH, spec.exe)) ? argv0 : spec.exe;
  return { file: nsenter, argv0: nsenter, args: [...into, program, ...argv.slice(1)], cwd: '/' };
}

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

/** The last line a program wrote since its log had this size. */
async function lastWords(log: string, since: number): Promise<string> {
  const bytes = Buffer.from((await readIfThere(log)) ?? '').subarray(since);
  return oneLine(bytes.toString('utf8').trimEnd().split('\n').slice(-1).join('\n'));
}

/** Descriptors for dockerd's input and output. */
interface Streams {
  /** In this order; opened when first asked for. */
  readonly open: () => readonly [number, number, number];
  /** The file its complaints go to, as a path to read. */
  readonly errors: string;
  readonly close: () => void;
}

/** The same files opened anew: through /proc they are found in the mounts of the process, and even when they were deleted. */
function streamsOf(spec: ProcessSpec, running: RunningProcess | undefined, log: string): Streams {
  const opened: number[] = [];
  const keep = (path: string, flags: string): number => {
    const fd = openSync(path, flags, 0o640);
    opened.push(fd);
    return fd;
  };
  const own = (fd: 1 | 2): number | undefined => {
    const path = running && `/proc/${running.pid}/fd/${fd}`;
    const found = path && statSync(path, { throwIfNoEntry: false });
    return path && found && isLasting(found) ? keep(path, 'a') : undefined;
  };
  const input = running && keep(`/proc/${running.pid}/root/dev/null`, 'r');
  const [out, err] = [own(1), own(2)];
  return {
    open: () => [
      input ?? keep('/dev/null', 'r'),
      out ?? keep(spec.stdout ?? log, 'a'),
      err ?? keep(spec.stderr ?? log, 'a'),
    ],
    errors: err === undefined ? (spec.stderr ?? log) : `/proc/${process.pid}/fd/${err}`,
    close: () => {
      for (const fd of opened) closeSync(fd);
    },
  };
}

interface Spawned {
  readonly child: ChildProcess;
  readonly ended: () => string | undefined;
}

function spawnDetached(env: Environment, launch: Launch, stdio: readonly [number, number, number]): Spawned {
  failPoint('dockerd-starting');
  const child = spawn(launch.file, [...launch.args], {
    argv0: launch.argv0,
    cwd: launch.cwd,
    env,
    detached: true,
    stdio: [...stdio],
  });
  failPoint('dockerd-started');
  let ended: string | undefined;
  child.once('error', (error) => {
    ended = error.message;
  });
  child.once('exit', (code, signal) => {
    ended = `it ended with ${signal ?? `status ${code}`}`;
  });
  child.unref();
  return { child, ended: () => ended };
}

export interface PlainOptions {
  readonly spec: ProcessSpec;
  /** The dockerd that runs; `undefined` when it is down and the spec is remembered. */
  readonly process: RunningProcess | undefined;
  readonly pidFile: string;
  /** Where the output goes when the former one was no file. */
  readonly logFolder: string;
}

/** A dockerd nobody supervises: ended by signal, started again detached with the same environment, folder and log files. */
export async function plainService({ spec, process, pidFile, logFolder }: PlainOptions): Promise<DockerService> {
  const home = await homeOf(spec, process);
  const streams = streamsOf(spec, process, join(logFolder, 'dockerd.log'));
  let current = process;

  async function start(argv: readonly string[], environment: Environment = {}): Promise<StartedDocker> {
    const since = await sizeOf(streams.errors);
    const env = { ...spec.env, ...environment };
    const spawned = spawnDetached(env, await launchOf(spec, argv, home), streams.open());
    current = spawned.child.pid === undefined ? undefined : await runningProcess(spawned.child.pid);
    return {
      async failed() {
        const ended = spawned.ended();
        return ended === undefined ? undefined : `${ended}: ${await lastWords(streams.errors, since)}`;
      },
    };
  }

  return {
    kind: 'process',
    label: process ? `process ${process.pid}` : `${spec.exe} (not running)`,
    argv: spec.argv,
    ownArgv: true,
    isRunning: async () => current !== undefined && (await isRunning(current)),
    stop: async () => {
      if (current) await endProcess(current, pidFile);
    },
    start,
    close() {
      home?.close();
      streams.close();
    },
  };
}
