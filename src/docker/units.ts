import { readFile } from 'node:fs/promises';
import { TsflannelError } from '../errors.ts';
import { readIfThere, removeFile } from '../files/atomic.ts';
import { endProcess } from './plain.ts';
import { isRunning, type RunningProcess, runningProcess } from './process.ts';
import { oneLine, type Run } from './run.ts';
import type { DockerService } from './service.ts';

export const DOCKER_UNIT = 'docker.service';
/** Debian's script, and the pid file of the supervisor it uses. */
export const INIT_SCRIPT = '/etc/init.d/docker';
const INIT_PID_FILE = '/var/run/docker-ssd.pid';

/** Whether systemd is this host's init (sd_booted(3)); in a container or a lab it is not, though its tools may be there. */
export const systemdRuns = async (): Promise<boolean> => (await readIfThere('/proc/1/comm'))?.trim() === 'systemd';

/** What systemd knows of Docker's unit. */
export interface UnitFacts {
  readonly name: string;
  readonly loaded: boolean;
  /** 0: not running. */
  readonly mainPid: number;
  /** Command line with variables unexpanded. */
  readonly execStart: readonly string[];
  readonly environmentFiles: readonly string[];
}

/** Reads `systemctl show`. Its ExecStart is `{ path=… ; argv[]=a b c ; ignore_errors=… }`; EnvironmentFiles `FILE (ignore_errors=yes)`. */
export function parseUnit(name: string, text: string): UnitFacts {
  const values = (property: string): string[] =>
    text.split('\n').flatMap((line) => (line.startsWith(`${property}=`) ? [line.slice(property.length + 1)] : []));
  const argv = /argv\[\]=(.*?) ;/.exec(values('ExecStart').at(-1) ?? '')?.[1] ?? '';
  return {
    name,
    loaded: values('LoadState')[0] === 'loaded',
    mainPid: Number(values('MainPID')[0] ?? 0) || 0,
    execStart: argv.split(' ').filter((word) => word !== ''),
    environmentFiles: values('EnvironmentFiles').flatMap((line) => /^(\/\S*) \(/.exec(line)?.[1] ?? []),
  };
}

const PROPERTIES = ['LoadState', 'MainPID', 'ExecStart', 'EnvironmentFiles'];

/** The unit as systemd has it loaded. */
export const readUnit = async (run: Run, name: string): Promise<UnitFacts> =>
  parseUnit(name, await run('systemctl', ['show', name, ...PROPERTIES.map((each) => `--property=${each}`)]));

/** The service a process belongs to by its control group: Docker's own unit, a snap's, or whatever started it. */
export function serviceOf(cgroups: string): string | undefined {
  const lines = cgroups.split('\n').filter((line) => /^(?:0:|\d+:name=systemd):/.test(line));
  return lines.map((line) => /\/([^/]+\.service)$/.exec(line)?.[1]).find((name) => name !== undefined);
}

/** The unit whose main process this is; `undefined` without systemd, or when it runs by itself. */
export async function unitOf(run: Run, { pid }: RunningProcess): Promise<UnitFacts | undefined> {
  if (!(await systemdRuns())) return undefined;
  const name = serviceOf((await readIfThere(`/proc/${pid}/cgroup`)) ?? '');
  const unit = name === undefined ? undefined : await readUnit(run, name);
  return unit?.mainPid === pid ? unit : undefined;
}

/** Docker's own unit where systemd has one. */
export async function dockersUnit(run: Run): Promise<UnitFacts | undefined> {
  const unit = (await systemdRuns()) ? await readUnit(run, DOCKER_UNIT) : undefined;
  return unit?.loaded ? unit : undefined;
}

const succeeds = (call: Promise<string>): Promise<boolean> =>
  call.then(
    () => true,
    () => false,
  );

/** systemctl only says that it failed; why is in the journal. */
async function startUnit(run: Run, unit: string): Promise<void> {
  try {
    await run('systemctl', ['start', unit]);
  } catch (error) {
    const journal = await run('journalctl', ['-u', unit, '-n', '3', '-o', 'cat', '--no-pager']).catch(() => '');
    if (journal.trim() === '') throw error;
    throw new TsflannelError('TOOL_FAILED', { tool: `systemctl start ${unit}`, detail: oneLine(journal) }, error);
  }
}

/** dockerd under systemd. Its socket unit is stopped with it: a client that calls meanwhile would start it in mid-change. */
export function systemdService(run: Run, unit: string, argv: readonly string[]): DockerService {
  const socket = unit.replace(/\.service$/, '.socket');
  let socketWasActive = false;
  return {
    kind: 'systemd',
    label: `systemd unit ${unit}`,
    argv,
    ownArgv: false,
    isRunning: () => succeeds(run('systemctl', ['is-active', '--quiet', unit])),
    async stop() {
      socketWasActive ||= await succeeds(run('systemctl', ['is-active', '--quiet', socket]));
      await run('systemctl', ['stop', ...(socketWasActive ? [socket] : []), unit]);
    },
    async start() {
      await run('systemctl', ['daemon-reload']);
      // After a few failed starts systemd refuses further ones for a while.
      await succeeds(run('systemctl', ['reset-failed', unit]));
      if (socketWasActive) await run('systemctl', ['start', socket]);
      await startUnit(run, unit);
      const failed = () => succeeds(run('systemctl', ['is-failed', '--quiet', unit]));
      return { failed: async () => ((await failed()) ? `${unit} failed: journalctl -u ${unit}` : undefined) };
    },
    close: () => undefined,
  };
}

/** Whether this process was started by Debian's init script. */
export const isInitScripts = async ({ pid }: RunningProcess): Promise<boolean> =>
  (await readIfThere(INIT_SCRIPT)) !== undefined &&
  (await readFile(INIT_PID_FILE, 'utf8').catch(() => '')).trim() === String(pid);

/** The process in the init script's pid file; start-stop-daemon writes it a moment after the script has ended. */
async function ofPidFile(): Promise<RunningProcess | undefined> {
  const pid = Number((await readIfThere(INIT_PID_FILE))?.trim());
  const found = Number.isInteger(pid) && pid > 1 ? await runningProcess(pid) : undefined;
  return found && (await isRunning(found)) ? found : undefined;
}

const PID_FILE_MS = 3_000;

export interface SysvinitOptions {
  readonly run: Run;
  readonly process: RunningProcess;
  readonly argv: readonly string[];
  readonly pidFile: string;
}

/** dockerd under Debian's init script. Not stopped by it: the script kills dockerd after 10 s, in the middle of stopping containers. */
export function sysvinitService({ run, process, argv, pidFile }: SysvinitOptions): DockerService {
  let current: RunningProcess | undefined = process;
  return {
    kind: 'sysvinit',
    label: `init script ${INIT_SCRIPT}`,
    argv,
    ownArgv: false,
    isRunning: async () => current !== undefined && (await isRunning(current)),
    async stop() {
      current ??= await ofPidFile();
      if (current) await endProcess(current, pidFile);
      current = undefined;
      // As the script's own stop does: a number that nobody has waited for yet would look alive to its start.
      await removeFile(INIT_PID_FILE);
    },
    async start() {
      await run(INIT_SCRIPT, ['start']);
      const end = performance.now() + PID_FILE_MS;
      return {
        async failed() {
          current = await ofPidFile();
          return current || performance.now() < end ? undefined : 'dockerd ended: see /var/log/docker.log';
        },
      };
    },
    close: () => undefined,
  };
}
