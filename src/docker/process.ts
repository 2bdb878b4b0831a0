import { constants, type Stats } from 'node:fs';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';

/** Major 1, minor 3 (null(4)). */
const NULL_DEVICE = 0x103;

/** What it takes to start a program again as it was started. Read from /proc; kept in the journal, so plain data. */
export interface ProcessSpec {
  /** Absolute path of the program. */
  readonly exe: string;
  /** `argv[0]` included. */
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Its mount namespace by the kernel's name (`mnt:[4026531841]`). */
  readonly mounts: string;
  readonly env: Readonly<Record<string, string>>;
  /** Files its output goes to; `undefined` where that is no file (a terminal, a pipe). */
  readonly stdout: string | undefined;
  readonly stderr: string | undefined;
}

/** A process that runs, told apart from a later one with its number by its start time (clock ticks since boot). */
export interface RunningProcess {
  readonly pid: number;
  readonly startTime: string;
}

interface Stat {
  /** A letter. */
  readonly state: string;
  readonly parent: number;
  readonly startTime: string;
}

/** `undefined` when there is no such process. The name before these fields may hold spaces and brackets. */
async function statOf(pid: number): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  return state === undefined || startTime === undefined ? undefined : { state, parent: Number(fields[1]), startTime };
}

const isAlive = ({ state }: Stat): boolean => state !== 'Z' && state !== 'X';

/** Whether it still runs; a zombie nobody has waited for does not. */
export async function isRunning({ pid, startTime }: RunningProcess): Promise<boolean> {
  const stat = await statOf(pid);
  return stat !== undefined && stat.startTime === startTime && isAlive(stat);
}

/** The process of this number as it runs now. */
export async function runningProcess(pid: number): Promise<RunningProcess | undefined> {
  const stat = await statOf(pid);
  return stat && { pid, startTime: stat.startTime };
}

type NamespaceKind = 'net' | 'mnt' | 'pid' | 'user';

const namespaceOf = (pid: number | 'self', kind: NamespaceKind): Promise<string | undefined> =>
  readlink(`/proc/${pid}/ns/${kind}`).catch(() => undefined);

/** Whether the process is in the namespace of this kind that we are in. */
export const sharesNamespace = async (pid: number, kind: NamespaceKind): Promise<boolean> =>
  (await namespaceOf(pid, kind)) === (await namespaceOf('self', kind));

const pids = async (): Promise<number[]> =>
  (await readdir('/proc')).filter((name) => /^[1-9][0-9]*$/.test(name)).map(Number);

/** A process in the mount namespace of this name: ourselves if we are, `undefined` when nobody is any more. */
export async function insideMounts(name: string): Promise<number | 'self' | undefined> {
  if ((await namespaceOf('self', 'mnt')) === name) return 'self';
  for (const pid of await pids()) if ((await namespaceOf(pid, 'mnt')) === name) return pid;
  return undefined;
}

const nameOf = async (pid: number): Promise<string> =>
  (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();

/** Looked at together: one after the other they take a second on a busy host, all at once they take as many descriptors. */
const AT_ONCE = 16;

/**
 * All running processes of this name (the kernel keeps its first 15 characters), but not their children: a fork has its parent's name
 * until it becomes the program it was made for (dockerd runs many).
 */
export async function processesNamed(name: string): Promise<RunningProcess[]> {
  const found = new Map<number, Stat>();
  const all = await pids();
  const ask = async (pid: number): Promise<void> => {
    const stat = (await nameOf(pid)) === name ? await statOf(pid) : undefined;
    if (stat && isAlive(stat)) found.set(pid, stat);
  };
  for (let first = 0; first < all.length; first += AT_ONCE)
    await Promise.all(all.slice(first, first + AT_ONCE).map(ask));
  return [...found].flatMap(([pid, { parent, startTime }]) => (found.has(parent) ? [] : [{ pid, startTime }]));
}

/** The processes of this name in our network namespace: several nodes may live on one machine. */
export async function processesHere(name: string): Promise<RunningProcess[]> {
  const all = await processesNamed(name);
  const here = await Promise.all(all.map(({ pid }) => sharesNamespace(pid, 'net')));
  return all.filter((_, index) => here[index]);
}

/** Command line of a process, `argv[0]` first. */
export const argvOf = async (pid: number): Promise<string[]> =>
  (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);

async function environmentOf(pid: number): Promise<Record<string, string>> {
  const entries = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').flatMap((entry): [string, string][] => {
    const equals = entry.indexOf('=');
    return equals > 0 ? [[entry.slice(0, equals), entry.slice(equals + 1)]] : [];
  });
  return Object.fromEntries(entries);
}

/** The path by which we too find the file a descriptor leads to; mounts of its own may make the process call it otherwise. */
async function outputOf(pid: number, descriptor: 1 | 2): Promise<string | undefined> {
  const link = `/proc/${pid}/fd/${descriptor}`;
  try {
    const [path, theirs] = [await readlink(link), await stat(link)];
    const ours = await stat(path);
    return isLasting(theirs) && ours.dev === theirs.dev && ours.ino === theirs.ino ? path : undefined;
  } catch {
    return undefined;
  }
}

/** A file or a device like /dev/null: something to write to again, unlike a terminal, a pipe or a socket. */
export const isLasting = ({ mode, rdev }: Stats): boolean => {
  const type = mode & constants.S_IFMT;
  return type === constants.S_IFREG || (type === constants.S_IFCHR && rdev === NULL_DEVICE);
};

/** How the process was started. An upgrade replaces the program's file: then the new one of that name counts. */
export async function specOf(pid: number): Promise<ProcessSpec> {
  const exe = (await readlink(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
  return {
    exe,
    argv: [...(await argvOf(pid))],
    cwd: await readlink(`/proc/${pid}/cwd`),
    mounts: (await namespaceOf(pid, 'mnt')) ?? '',
    env: await environmentOf(pid),
    stdout: await outputOf(pid, 1),
    stderr: await outputOf(pid, 2),
  };
}
