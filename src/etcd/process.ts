import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TsflannelError } from '../errors.ts';
import { readIfThere } from '../files/atomic.ts';
import { entryFile } from '../root.ts';
import { lastWords } from './log.ts';
import { logFile, pidFile, stateFile } from './member.ts';
import { argvOf, birthOf, findProcesses, seesFolder } from './proc.ts';
import { readState, type SupervisorState } from './state.ts';

/** What runs of a member. */
export interface Processes {
  readonly supervisor: number | undefined;
  readonly state: SupervisorState | undefined;
}

const isSupervisor = (argv: readonly string[], runDir: string): boolean =>
  /\/supervisor-entry\.[jt]s$/.test(argv[1] ?? '') && argv[3] === runDir;

/** Process id in the pid file, if that process is a supervisor of this run dir: ids are used again after a reboot. */
export async function findSupervisor(runDir: string): Promise<number | undefined> {
  const text = await readIfThere(pidFile(runDir));
  const pid = Number(text?.trim());
  return Number.isInteger(pid) && pid > 1 && isSupervisor(argvOf(pid), runDir) ? pid : undefined;
}

/** The supervisor of this run dir and what it says about itself. */
export async function inspectProcesses(runDir: string): Promise<Processes> {
  return { supervisor: await findSupervisor(runDir), state: await readState(stateFile(runDir)) };
}

/** Whether a supervisor of this run dir looks after this data dir. Rejects with USAGE where it looks after another one. */
export async function isRunning(runDir: string, dataDir: string): Promise<boolean> {
  const { supervisor, state } = await inspectProcesses(runDir);
  if (supervisor === undefined) return false;
  if (state === undefined || state.dataDir === dataDir) return true;
  const detail = `the member in ${state.dataDir} runs with --run-dir ${runDir}; pass that --data-dir, or another --run-dir`;
  throw new TsflannelError('USAGE', { detail });
}

const isEtcd = (argv: readonly string[], dataDir: string): boolean =>
  /(?:^|\/)etcd[^/]*$/.test(argv[0] ?? '') && argv.includes(`--data-dir=${dataDir}`);

/** etcd processes on this data dir, whoever started them. */
export const findEtcdOf = (dataDir: string): readonly number[] =>
  findProcesses((argv) => isEtcd(argv, dataDir)).filter((pid) => seesFolder(pid, dataDir));

const signal = (pid: number, name: 'SIGTERM' | 'SIGKILL'): void => {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
};

/** Ends a process: SIGTERM, then SIGKILL after `graceMs`; resolves when it is gone with its sockets. */
async function end(pid: number, graceMs: number): Promise<void> {
  const birth = birthOf(pid);
  const alive = () => birth !== '' && birthOf(pid) === birth;
  const until = performance.now() + graceMs;
  if (alive()) signal(pid, 'SIGTERM');
  while (alive() && performance.now() < until) await sleep(30);
  if (alive()) signal(pid, 'SIGKILL');
  while (alive()) await sleep(30);
}

/** Ends etcd processes that have lost their supervisor; resolves to how many there were. */
export async function stopOrphans(dataDir: string): Promise<number> {
  const found = findEtcdOf(dataDir);
  for (const pid of found) await end(pid, 15_000);
  return found.length;
}

/** Ends the supervisor of this run dir and etcd with it; resolves to whether anything ran. */
export async function stopProcesses(runDir: string, dataDir: string): Promise<boolean> {
  const supervisor = await findSupervisor(runDir);
  if (supervisor !== undefined) await end(supervisor, 25_000);
  const orphans = await stopOrphans(dataDir);
  await rm(pidFile(runDir), { force: true });
  await rm(stateFile(runDir), { force: true });
  return supervisor !== undefined || orphans > 0;
}

/** A long-lived process inherits no settings and no secrets that were meant for one call. */
const inherited = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^(?:TSFLANNEL_(?!LAB)|FLANNELD_|ETCD)/.test(name)));

/**
 * Starts the supervisor detached from this terminal and session, and waits until it has reported. Its own complaints go to the member's
 * log; the folders are there. Rejects with ETCD_START when it ends before that.
 */
export async function startSupervisor(runDir: string, dataDir: string): Promise<void> {
  await rm(stateFile(runDir), { force: true });
  const log = openSync(logFile(dataDir), 'a', 0o600);
  try {
    const args = [fileURLToPath(entryFile('etcd/supervisor-entry')), dataDir, runDir];
    const env = inherited(process.env);
    const child = spawn(process.execPath, args, { cwd: '/', detached: true, env, stdio: ['ignore', log, log] });
    await reported(child, runDir, dataDir);
    child.unref();
  } finally {
    closeSync(log);
  }
}

async function reported(child: ChildProcess, runDir: string, dataDir: string): Promise<void> {
  let failure = '';
  child.once('error', (error) => {
    failure = error.message;
  });
  while (child.exitCode === null && failure === '') {
    if ((await readState(stateFile(runDir))) !== undefined) return;
    await sleep(20);
  }
  // One that gave up at once has said why.
  if ((await readState(stateFile(runDir))) !== undefined) return;
  const why = failure || `the supervisor ended with status ${child.exitCode}`;
  throw new TsflannelError('ETCD_START', { detail: `${why}: ${lastWords(logFile(dataDir))}` });
}
