/**
 * One real dockerd in a network namespace of its own, everything of it below one folder. Knows how to start and end such a dockerd and
 * how to give it an image; what its options should be is `docker apply`'s business, so its pid is read anew each time it is ended.
 */
import { spawn } from 'node:child_process';
import { closeSync, globSync, openSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dockerApi } from '../docker/api.ts';
import { findProgram } from '../docker/run.ts';
import { TsflannelError } from '../errors.ts';
import { readIfThere } from '../files/atomic.ts';

/** Where the things of one dockerd are. */
export interface DockerdPaths {
  readonly dir: string;
  /** Unix socket of the API. */
  readonly socket: string;
  readonly configFile: string;
  readonly pidFile: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly log: string;
}

/** What to start: `netns` is a name of `ip netns`; `flags` are added to those that keep it below `dir`. */
export interface DockerdSpec {
  readonly netns: string;
  /** Below 60 characters: the sockets inside must fit the kernel's 107. */
  readonly dir: string;
  readonly flags?: readonly string[];
}

/** Image made by importImage. */
export const LAB_IMAGE = 'tsflannel/busybox';

const START_MS = 120_000;
const STOP_MS = 60_000;

/** What a lab with Docker starts; all of it is in the package docker.io but busybox, of which importImage makes an image. */
const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' } as const;

/** The first program that this host lacks for a lab with Docker, and the package that brings it. */
export async function missingForDocker(): Promise<{ readonly tool: string; readonly package: string } | undefined> {
  for (const [tool, from] of Object.entries(PROGRAMS))
    if ((await findProgram(tool)) === undefined) return { tool, package: from };
  return undefined;
}

/** The places of a dockerd below `dir`. */
export const dockerdPaths = (dir: string): DockerdPaths => ({
  dir,
  socket: join(dir, 'docker.sock'),
  configFile: join(dir, 'daemon.json'),
  pidFile: join(dir, 'docker.pid'),
  dataRoot: join(dir, 'data'),
  execRoot: join(dir, 'exec'),
  log: join(dir, 'dockerd.log'),
});

/** dockerd's command line for these places. */
export const dockerdArgv = (paths: DockerdPaths, flags: readonly string[] = []): string[] => [
  'dockerd',
  ...['--data-root', paths.dataRoot, '--exec-root', paths.execRoot, '-p', paths.pidFile],
  ...['-H', `unix://${paths.socket}`, '--config-file', paths.configFile],
  ...flags,
];

const failed = (detail: string): TsflannelError => new TsflannelError('LAB_FAILED', { detail });

async function until(condition: () => Promise<boolean>, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) return false;
    await sleep(25);
  }
  return true;
}

const lastLines = async (log: string): Promise<string> =>
  ((await readIfThere(log)) ?? '').trimEnd().split('\n').slice(-3).join(' | ');

/**
 * Starts dockerd and waits for its API. nsenter, not `ip netns exec`: the latter mounts a new /sys, in which no cgroups are mounted,
 * and dockerd refuses to run. A daemon.json that is there is kept. Rejects with LAB_FAILED and the end of its log.
 */
export async function startDockerd({ netns, dir, flags }: DockerdSpec): Promise<DockerdPaths> {
  const paths = dockerdPaths(dir);
  await mkdir(dir, { recursive: true });
  if ((await readIfThere(paths.configFile)) === undefined) await writeFile(paths.configFile, '{}\n');
  const log = openSync(paths.log, 'a');
  const child = spawn('nsenter', [`--net=/run/netns/${netns}`, ...dockerdArgv(paths, flags)], {
    cwd: dir,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let ended: string | undefined;
  child.once('error', (error) => {
    ended = error.message;
  });
  child.once('exit', (code) => {
    ended = `it ended with ${code}`;
  });
  child.unref();
  const api = dockerApi(paths.socket);
  const up = await until(async () => ended !== undefined || (await api.ping()), START_MS);
  if (ended !== undefined || !up)
    throw failed(`dockerd in ${netns}: ${ended ?? 'no answer'}: ${await lastLines(paths.log)}`);
  return paths;
}

/** The pid in the pid file, as long as a dockerd has it. */
export async function dockerdPid(paths: DockerdPaths): Promise<number | undefined> {
  const pid = Number((await readIfThere(paths.pidFile))?.trim());
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  const name = (await readIfThere(`/proc/${pid}/comm`))?.trim();
  return name === 'dockerd' ? pid : undefined;
}

/** Processes whose command line names something below this folder: container shims outlive a killed dockerd. */
async function leftovers(dir: string): Promise<number[]> {
  const found: number[] = [];
  for (const file of globSync('/proc/[0-9]*/cmdline')) {
    const argv = await readFile(file, 'utf8').catch(() => '');
    if (/^(\S*\/)?containerd(-shim\S*)?\0/.test(argv) && argv.includes(`${dir}/`))
      found.push(Number(file.split('/')[2]));
  }
  return found;
}

const kill = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
};

async function unmountBelow(dir: string): Promise<void> {
  const { execa } = await import('execa');
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  const below = mounts.split('\n').flatMap((line) => line.split(' ')[1] ?? []);
  for (const path of below.filter((each) => each.startsWith(`${dir}/`)).reverse()) await execa('umount', ['-l', path]);
}

/** Ends the dockerd of this folder with its containers and takes its mounts away; the folder stays. Nothing running is fine. */
export async function stopDockerd(dir: string): Promise<void> {
  const paths = dockerdPaths(dir);
  const pid = await dockerdPid(paths);
  if (pid !== undefined) {
    kill(pid, 'SIGTERM');
    if (!(await until(async () => (await dockerdPid(paths)) === undefined, STOP_MS))) kill(pid, 'SIGKILL');
  }
  for (const left of await leftovers(dir)) kill(left, 'SIGKILL');
  if (!(await until(async () => (await leftovers(dir)).length === 0, STOP_MS)))
    throw failed(`containers below ${dir} do not end`);
  await unmountBelow(dir);
}

/** Gives this dockerd the image LAB_IMAGE: a static busybox and nothing else. */
export async function importImage(paths: DockerdPaths): Promise<void> {
  const { execa } = await import('execa');
  const root = join(paths.dir, 'image');
  await mkdir(join(root, 'bin'), { recursive: true });
  await copyFile((await findProgram('busybox')) ?? '/bin/busybox', join(root, 'bin/busybox'));
  const tar = execa('tar', ['-C', root, '-c', '.'], { encoding: 'buffer', stdout: 'pipe' });
  await tar.pipe('docker', ['-H', `unix://${paths.socket}`, 'import', '-', LAB_IMAGE]);
  await rm(root, { recursive: true });
}
