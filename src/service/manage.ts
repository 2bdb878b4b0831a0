import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { systemdRuns } from '../etcd/unit.ts';
import { readIfThere, removeFile, writeFileAtomic } from '../files/atomic.ts';
import { makeFolders, removeEmptyFolders } from '../files/folders.ts';
import { printable } from '../model/parsed.ts';
import { type Init, MARK, type ServiceFile, type ServicePlan } from './service.ts';

/** Where the files go: `root` is an image, in which nothing can be started; absent: this host. */
export interface Place {
  readonly root?: string;
  /** Told of each step. */
  readonly notice: (line: string) => void;
}

const CALL_MS = 600_000;
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const failed = (detail: string): TsflannelError => new TsflannelError('SERVICE', { detail });

/** The init of this host, or of an image. Throws SERVICE where it is none that we know. */
export async function findInit({ root = '/' }: Pick<Place, 'root'>): Promise<Init> {
  if (root === '/' && (await systemdRuns())) return 'systemd';
  if (await exists(join(root, 'sbin/openrc-run'))) return 'openrc';
  if (root !== '/' && (await exists(join(root, 'lib/systemd/systemd')))) return 'systemd';
  if (await exists(join(root, 'etc/init.d'))) return 'sysvinit';
  throw failed('neither systemd nor OpenRC nor /etc/init.d is here; --init says which one to write for');
}

const isOurs = (text: string): boolean => text.split('\n', 3).some((line) => line.startsWith(MARK));

/** Runs the command; a program that this host does not have is left out. Rejects with SERVICE and what it said. */
async function run([program = '', ...args]: readonly string[], { notice }: Place): Promise<void> {
  const { execa } = await import('execa');
  const line = [program, ...args].join(' ');
  notice(line);
  const result = await execa(program, args, { reject: false, timeout: CALL_MS, stdin: 'ignore' });
  if (result.code === 'ENOENT') return notice(`${program} is not here`);
  if (result.exitCode !== 0)
    throw failed(`${line}: ${printable(result.stderr || result.stdout || `${result.exitCode}`)}`);
}

async function checkForeign(files: readonly ServiceFile[], at: (path: string) => string): Promise<void> {
  for (const { path } of files) {
    const text = await readIfThere(at(path));
    if (text !== undefined && !isOurs(text)) throw failed(`${at(path)} was not written by tsflannel`);
  }
}

/** Whether install has something to change: a file, or what systemd says of the service; other inits cannot be asked. */
export async function differs(plan: ServicePlan, place: Pick<Place, 'root'>, start: boolean): Promise<boolean> {
  for (const { path, content } of plan.files)
    if ((await readIfThere(join(place.root ?? '/', path))) !== content) return true;
  const { enabled, active } = await serviceState(plan, place);
  return enabled !== undefined && (enabled !== 'enabled' || (start && active !== 'active'));
}

/** Writes the files, enables the service, and starts it unless told otherwise. Rejects with SERVICE, FILE_FAILED. */
export async function install(plan: ServicePlan, place: Place, start: boolean): Promise<void> {
  const at = (path: string): string => join(place.root ?? '/', path);
  await checkForeign(plan.files, at);
  for (const { path, content, mode } of plan.files) {
    await makeFolders([dirname(at(path))]);
    await writeFileAtomic(at(path), content, mode);
    place.notice(`wrote ${at(path)}`);
  }
  if (place.root !== undefined) return;
  for (const command of plan.enable) await run(command, place);
  if (start) await run(plan.start, place);
}

/** Stops the service and takes its files away; `down` is another matter. What is not ours stays. */
export async function uninstall(plan: ServicePlan, place: Place): Promise<readonly string[]> {
  const at = (path: string): string => join(place.root ?? '/', path);
  const there: string[] = [];
  for (const { path } of plan.files) {
    const text = await readIfThere(at(path));
    if (text !== undefined && isOurs(text)) there.push(at(path));
  }
  if (there.length === 0) return [];
  const isHere = place.root === undefined;
  for (const command of isHere ? [plan.stop, ...plan.disable] : []) await run(command, place);
  for (const path of there) {
    await removeFile(path);
    place.notice(`removed ${path}`);
  }
  await removeEmptyFolders(there.map((path) => dirname(path)).filter((folder) => folder.endsWith('.service.d')));
  for (const command of isHere ? plan.forget : []) await run(command, place);
  return there;
}

/** What of the service is there. */
export interface ServiceState {
  readonly init: Init;
  readonly files: readonly {
    readonly path: string;
    readonly state: 'as written' | 'changed' | 'foreign' | 'missing';
  }[];
  /** As the init says; absent where it cannot be asked. */
  readonly enabled?: string;
  readonly active?: string;
}

async function ask(...[program, ...args]: [string, ...string[]]): Promise<string | undefined> {
  const { execa } = await import('execa');
  const { stdout, code } = await execa(program, args, { reject: false, timeout: 10_000, stdin: 'ignore' });
  return code === 'ENOENT' ? undefined : (stdout.trim().split('\n')[0] ?? '');
}

/** Whether it is installed (as this version writes it, with whatever flags) and, under systemd, what systemd says of it. */
export async function serviceState(plan: ServicePlan, { root }: Pick<Place, 'root'>): Promise<ServiceState> {
  const lines = (text: string): string =>
    text
      .split('\n')
      .filter((line) => !/^ExecStart=| (?:up|status)\b|'up'/.test(line))
      .join('\n');
  const files = [];
  for (const { path, content } of plan.files) {
    const text = await readIfThere(join(root ?? '/', path));
    const state =
      text === undefined
        ? ('missing' as const)
        : !isOurs(text)
          ? ('foreign' as const)
          : lines(text) === lines(content)
            ? ('as written' as const)
            : ('changed' as const);
    files.push({ path, state });
  }
  if (plan.init !== 'systemd' || root !== undefined || !(await systemdRuns())) return { init: plan.init, files };
  const [enabled, active] = [
    await ask('systemctl', 'is-enabled', 'tsflannel'),
    await ask('systemctl', 'is-active', 'tsflannel'),
  ];
  return { init: plan.init, files, ...(enabled !== undefined && { enabled }), ...(active !== undefined && { active }) };
}
