import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { writeFileAtomic } from '../files/atomic.ts';
import { type JoinOptions, joinRegistry } from './join.ts';
import { type Log, openLog } from './log.ts';
import { etcdCommand, founder, logFile, type Member, memberFile, pidFile, stateFile } from './member.ts';
import { readMember, writeMember } from './member-file.ts';
import { findSupervisor, stopOrphans } from './process.ts';
import { findEtcd, findProgram } from './program.ts';
import { type Registrar, registrarOf } from './registrar.ts';
import { startServices } from './services.ts';
import { startSnapshots } from './snapshot-service.ts';
import { printState, type SupervisorState } from './state.ts';
import { removeUnborn } from './unborn.ts';

/**
 * The supervisor: a small program of ours that runs detached, has etcd as its child, starts it again when it ends, and ends with it on
 * SIGTERM. It goes through discovery first where the member's cluster is not known yet, so that the wait survives `init` and restarts.
 */
export interface SupervisorOptions {
  readonly dataDir: string;
  readonly runDir: string;
}

/** Waits before etcd is started again, in milliseconds: doubled each time, back to the first when etcd has run for STEADY_MS. */
const BACKOFF = { first: 500, max: 30_000 } as const;
const STEADY_MS = 60_000;
/** How long etcd may take to end on SIGTERM; it hands its leadership on. */
const GRACE_MS = 15_000;

/** Some of the state; `undefined` takes a part away. */
type Change = { readonly [K in keyof SupervisorState]?: SupervisorState[K] | undefined };

interface Running {
  readonly options: SupervisorOptions;
  readonly log: Log;
  readonly stop: AbortSignal;
  say(change: Change): Promise<void>;
}

/** etcd dies with its supervisor, however that ends: setpriv (util-linux) sets the parent-death signal, which survives exec. */
function commandLine(member: Member, path: string): { file: string; args: string[]; env: Record<string, string> } {
  const { args, env } = etcdCommand(member, process.arch);
  const etcd = findEtcd(path, member.etcd);
  const setpriv = findProgram('setpriv', path);
  const full = { ...env, PATH: path };
  return setpriv
    ? { file: setpriv, args: ['--pdeathsig', 'TERM', '--', etcd, ...args], env: full }
    : { file: etcd, args: [...args], env: full };
}

const ended = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `ended with status ${code}`));
  });

/** One life of etcd; resolves to how it ended. */
async function runOnce(run: Running, member: Member, starts: number): Promise<string> {
  const { file, args, env } = commandLine(member, process.env.PATH ?? '');
  const child = spawn(file, args, { cwd: '/', env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (chunk: Uint8Array) => run.log.write(chunk));
  child.stderr.on('data', (chunk: Uint8Array) => run.log.write(chunk));
  const end = ended(child);
  const terminate = () => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref();
  };
  if (run.stop.aborted) terminate();
  run.stop.addEventListener('abort', terminate);
  if (child.pid !== undefined) await run.say({ phase: 'running', etcd: child.pid, starts });
  const how = await end;
  run.stop.removeEventListener('abort', terminate);
  return how;
}

const pause = (run: Running, ms: number): Promise<void> => sleep(ms, undefined, { signal: run.stop }).catch(() => {});

async function runForever(run: Running, member: Member): Promise<void> {
  let wait: number = BACKOFF.first;
  for (let starts = 1; !run.stop.aborted; starts++) {
    if (member.clusterId === undefined && (await removeUnborn(member.dataDir)))
      run.log.write('tsflannel: etcd was killed before its log began; it is made again\n');
    const began = performance.now();
    const how = await runOnce(run, member, starts);
    if (run.stop.aborted) return;
    if (performance.now() - began > STEADY_MS) wait = BACKOFF.first;
    run.log.write(`tsflannel: etcd ${how}; started again in ${wait} ms\n`);
    await run.say({ phase: 'restarting', etcd: undefined, trouble: `etcd ${how}` });
    await pause(run, wait);
    wait = Math.min(wait * 2, BACKOFF.max);
  }
}

/** Waits for the founders, however long; a service that does not answer is asked again. */
async function discover(run: Running, member: Member, registrar: Registrar): Promise<Member> {
  const options: JoinOptions = {
    sleep: (ms) => sleep(ms, undefined, { signal: run.stop }),
    onProgress: (found, size) => void run.say({ phase: 'discovering', found, size }),
  };
  for (;;) {
    try {
      const cluster = await joinRegistry(registrar, founder(member), options);
      const bootstrap = { ...member.bootstrap, cluster } as Member['bootstrap'];
      await writeMember({ ...member, bootstrap });
      return { ...member, bootstrap };
    } catch (error) {
      if (!(error instanceof TsflannelError) || error.code !== 'DISCOVERY_UNREACHABLE') throw error;
      run.log.write(`tsflannel: ${error.message}: ${error.why}\n`);
      await run.say({ phase: 'discovering', trouble: error.why });
      await sleep(2000, undefined, { signal: run.stop });
    }
  }
}

/** The member with the others it is to start with. */
async function withCluster(run: Running, member: Member): Promise<Member> {
  const { bootstrap } = member;
  if ('cluster' in bootstrap && bootstrap.kind !== 'joined') return member;
  const registrar = registrarOf(bootstrap, (await import('../host/kv.ts')).openKv);
  if (registrar) return discover(run, member, registrar);
  if (bootstrap.kind !== 'joined') return member;
  const { enlist } = await import('./join-enlist.ts');
  return enlist(member, {
    stop: run.stop,
    log: (line) => run.log.write(`tsflannel: ${line}\n`),
    onProgress: (trouble) => run.say({ phase: 'joining', trouble }),
  });
}

async function work(run: Running): Promise<void> {
  const { dataDir } = run.options;
  const member = await readMember(memberFile(dataDir));
  if (!member) throw new TsflannelError('ETCD_NOT_MANAGED', { dir: dataDir });
  await stopOrphans(dataDir);
  const services = await startServices(member, { log: (line) => run.log.write(`tsflannel: ${line}\n`) });
  const snapshots = startSnapshots(member, (line) => run.log.write(`tsflannel: ${line}\n`));
  const look = () => void Promise.all([services.look(), snapshots.look()]);
  process.on('SIGHUP', look);
  try {
    await runForever(run, await withCluster(run, member));
  } finally {
    process.off('SIGHUP', look);
    await snapshots.close();
    await services.close();
  }
}

/** The state file is rewritten whole at each change, one write after the other. */
function reporter(options: SupervisorOptions): (change: Change) => Promise<void> {
  let state: Change = {
    phase: 'starting',
    supervisor: process.pid,
    dataDir: options.dataDir,
    starts: 0,
  };
  let last = Promise.resolve();
  return (change) => {
    state = { ...state, ...change };
    const text = printState(state);
    last = last.then(() => writeFileAtomic(stateFile(options.runDir), text)).catch(() => {});
    return last;
  };
}

/** Runs until SIGTERM or SIGINT, or until the member cannot come into its cluster (the state file says why). Resolves to the exit status. */
export async function supervise(options: SupervisorOptions): Promise<number> {
  const other = await findSupervisor(options.runDir);
  if (other !== undefined) throw new TsflannelError('ALREADY_RUNNING', { pid: other });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
  process.on('SIGHUP', () => {});
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const say = reporter(options);
  const run: Running = { options, log: openLog(logFile(options.dataDir)), stop: stop.signal, say };
  await writeFileAtomic(pidFile(options.runDir), `${process.pid}\n`);
  await say({});
  try {
    await work(run);
  } catch (error) {
    if (!stop.signal.aborted) {
      const ours = asTsflannelError(error);
      run.log.write(`tsflannel: ${ours.message}: ${ours.why}\n`);
      await say({ phase: 'failed', code: ours.code, trouble: ours.why });
      await rm(pidFile(options.runDir), { force: true });
      return ours.exit;
    }
  }
  // A report under way would come after the removal, or be cut off half written.
  await say({});
  await rm(stateFile(options.runDir), { force: true });
  await rm(pidFile(options.runDir), { force: true });
  return 0;
}
