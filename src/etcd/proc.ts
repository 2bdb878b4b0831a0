import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** What /proc tells of processes. A process that is gone, or of which nothing may be read, reads as nothing. */

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};

const link = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
};

/** Program and arguments; empty for a zombie, a kernel thread and a process that is gone. */
export const argvOf = (pid: number): readonly string[] => read(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);

/**
 * Start time of the process in clock ticks since boot: with the id it names one process for ever. Empty once it has ended; an argument
 * list is empty before that, while its sockets are still open.
 */
export function birthOf(pid: number): string {
  // The name in parentheses may hold anything.
  const cells = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return cells[0] === 'Z' || cells[0] === 'X' ? '' : (cells[19] ?? '');
}

/** Short name of the process, at most 15 characters. */
export const nameOf = (pid: number): string => read(`/proc/${pid}/comm`).trim();

/** All process ids. */
export const pids = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number);

const identity = (path: string): string => {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return '';
  }
};

/** Whether the process means our folder by this path: with other mounts, as in a container, it is another one. */
export const seesFolder = (pid: number, folder: string): boolean =>
  identity(folder) !== '' && identity(`/proc/${pid}/root${folder}`) === identity(folder);

/** Processes whose argument list passes the test. */
export const findProcesses = (test: (argv: readonly string[]) => boolean): readonly number[] =>
  pids().filter((pid) => test(argvOf(pid)));

/** Addresses in /proc/net/tcp are 32-bit words in host order, in hexadecimal. */
const LISTEN = '0A';

/** Inodes of the sockets of this network namespace that listen on the TCP port, with their address in hexadecimal as the kernel prints it. */
function listeners(port: number): readonly { address: string; inode: string }[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/self/net/tcp', '/proc/self/net/tcp6']
    .flatMap((file) => read(file).split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((cells) => cells[1]?.endsWith(`:${hex}`) && cells[3] === LISTEN)
    .map((cells) => ({ address: cells[1]?.split(':')[0] ?? '', inode: cells[9] ?? '' }));
}

function holds(pid: number, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(link(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false;
  }
}

/** The process that listens on the TCP port in this network namespace, if it can be found. */
export function listenerOf(port: number): { pid: number; name: string } | undefined {
  const sockets = new Set(listeners(port).map(({ inode }) => `socket:[${inode}]`));
  if (sockets.size === 0) return undefined;
  const pid = pids().find((candidate) => holds(candidate, sockets));
  return pid === undefined ? undefined : { pid, name: nameOf(pid) };
}
