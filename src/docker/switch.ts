import { setTimeout as sleep } from 'node:timers/promises';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { readIfThere, removeFile, writeFileAtomic } from '../files/atomic.ts';
import type { Container, DockerApi } from './api.ts';
import type { Bridge } from './bridge.ts';
import { RAW_SWITCH } from './direct-routing.ts';
import type { DockerState } from './journal.ts';
import type { Side } from './pin.ts';
import type { FileState } from './plan.ts';
import type { DockerService, StartedDocker } from './service.ts';

/** The dockerd of this host with what is needed to take it from one state to another. */
export interface DockerHost {
  readonly service: DockerService;
  readonly api: DockerApi;
  readonly bridge: Bridge;
  /** Aborted by Ctrl-C: the former state is put back. */
  readonly signal: AbortSignal;
  readonly notice: (line: string) => void;
}

/** From where to where, and with which containers. */
export interface Switch {
  readonly from: Side;
  readonly to: Side;
  /** Whether a dockerd runs now, or should: one that is down stays down when the switch fails. */
  readonly ran: boolean;
  /** Containers that run now or ran before a broken-off switch, oldest first: they run again after it. */
  readonly running: readonly Container[];
  /** Stop them one by one first, the youngest first, where live-restore would keep them. */
  readonly stopContainers: boolean;
  /** Throws when the new dockerd is not what was wanted. */
  readonly verify: () => Promise<void>;
}

/** A dockerd with many containers takes its time. */
const SERVE_MS = 120_000;
const POLL_MS = 50;

/** What is so already is not written: putting back must not fail where writing did. */
async function writeFiles(files: readonly FileState[]): Promise<void> {
  for (const { path, text } of files) {
    if ((await readIfThere(path)) === text) continue;
    await (text === undefined ? removeFile(path) : writeFileAtomic(path, text));
  }
}

const abortable = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted) throw new TsflannelError('ABORTED');
};

async function serve(api: DockerApi, process: StartedDocker, signal: AbortSignal | undefined): Promise<void> {
  const end = performance.now() + SERVE_MS;
  while (!(await api.ping())) {
    abortable(signal);
    const failed = await process.failed();
    if (failed !== undefined) throw new TsflannelError('DOCKER_UNREACHABLE', { socket: api.socket, detail: failed });
    if (performance.now() > end)
      throw new TsflannelError('DOCKER_UNREACHABLE', { socket: api.socket, detail: `silent for ${SERVE_MS / 1000} s` });
    await sleep(POLL_MS);
  }
}

/** docker0 is changed while no dockerd runs: Docker takes over the address it finds, if that is its bip or there is no bip. */
async function stopped(host: DockerHost, state: DockerState, signal: AbortSignal | undefined): Promise<void> {
  host.notice(`stopping Docker: ${host.service.label}`);
  await host.service.stop();
  abortable(signal);
  await host.bridge.setAddresses(state.docker0?.addresses ?? []);
  abortable(signal);
}

async function start(
  host: DockerHost,
  { state, daemonJson, pin }: Side,
  signal: AbortSignal | undefined,
): Promise<void> {
  const argv = state.argv ?? host.service.argv;
  const environment = state.rawSwitch === undefined ? {} : { [RAW_SWITCH]: state.rawSwitch ? '1' : undefined };
  if (pin) {
    host.notice('starting Docker once on its former subnet, which it remembers');
    await writeFiles([pin]);
    await serve(host.api, await host.service.start(argv, environment), signal);
    await host.service.stop();
    await writeFiles([daemonJson]);
  }
  host.notice('starting Docker');
  await serve(host.api, await host.service.start(argv, environment), signal);
}

async function stopEach(host: DockerHost, containers: readonly Container[]): Promise<void> {
  for (const { id, name } of containers) {
    abortable(host.signal);
    host.notice(`stopping container ${name}`);
    await host.api.stop(id);
  }
}

/** Containers that ran and do not: those without a restart policy. What cannot be started again is told, not fatal. */
export async function startAgain(
  host: Pick<DockerHost, 'api' | 'notice'>,
  containers: readonly Container[],
): Promise<void> {
  const running = new Set((await host.api.running()).map(({ id }) => id));
  for (const { id, name } of containers.filter((each) => !running.has(each.id))) {
    const started = await host.api.start(id).catch((error: unknown) => asTsflannelError(error).why);
    if (started === false) host.notice(`container ${name} is gone: it was to be removed when it stops`);
    else if (started !== true) host.notice(`container ${name} does not start again: ${started}`);
  }
}

interface Progress {
  /** The former dockerd, or a container, may have been touched. */
  touched: boolean;
  /** A dockerd with other options may have run. */
  started: boolean;
}

async function forward(host: DockerHost, change: Switch, progress: Progress): Promise<void> {
  await writeFiles(change.to.state.files);
  abortable(host.signal);
  progress.touched = true;
  if (change.stopContainers) await stopEach(host, change.running.toReversed());
  abortable(host.signal);
  await stopped(host, change.to.state, host.signal);
  progress.started = true;
  await start(host, change.to, host.signal);
  await change.verify();
  abortable(host.signal);
}

async function back(host: DockerHost, { from, ran, running }: Switch, progress: Progress): Promise<void> {
  await writeFiles([...from.state.files, from.daemonJson]);
  if (!progress.touched) return;
  await stopped(host, from.state, undefined);
  if (!ran) return;
  await start(host, progress.started ? from : { ...from, pin: undefined }, undefined);
  await startAgain(host, running);
}

const causeOf = (error: unknown): string => {
  const { message, why } = asTsflannelError(error);
  return `${message}: ${why}`;
};

/** The former state again. Rejects with DOCKER_NOT_RESTORED. */
async function putBack(host: DockerHost, change: Switch, progress: Progress, cause: unknown): Promise<void> {
  try {
    await back(host, change, progress);
  } catch (error) {
    throw new TsflannelError('DOCKER_NOT_RESTORED', { detail: `${causeOf(cause)}; then ${causeOf(error)}` }, error);
  }
}

/**
 * Takes dockerd from one state to the other: files, stop, docker0, start, verify. When a step fails, or on Ctrl-C, the former state is
 * put back and this rejects: with ABORTED, DOCKER_FAILED, or DOCKER_NOT_RESTORED where even that failed.
 */
export async function switchDocker(host: DockerHost, change: Switch): Promise<void> {
  const progress: Progress = { touched: false, started: false };
  try {
    await forward(host, change, progress);
  } catch (cause) {
    host.notice('putting the former state back');
    await putBack(host, change, progress, cause);
    if (host.signal.aborted) throw new TsflannelError('ABORTED');
    throw new TsflannelError('DOCKER_FAILED', { detail: causeOf(cause) }, cause);
  }
  await startAgain(host, change.running);
}
