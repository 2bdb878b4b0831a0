import { readdirSync, readFileSync, statSync } from 'node:fs';
import { until } from './background.ts';
import { LAB_MARK } from './node.ts';

/** Which processes belong to a lab, told by what the kernel shows, since pid files do not survive every accident. */

interface Found {
  readonly pid: number;
  readonly parent: number;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // ended while we looked
  }
};

const namespaceOf = (pid: number): number | undefined => {
  try {
    return statSync(`/proc/${pid}/ns/net`).ino;
  } catch {
    return undefined;
  }
};

/** Parent's pid; a zombie counts as ended. */
function parentOf(pid: number): number | undefined {
  const [state, parent] = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return state === undefined || state === 'Z' || state === 'X' ? undefined : Number(parent);
}

function all(): Found[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).flatMap((pid) => {
    const parent = parentOf(pid);
    return parent === undefined || parent === 2 || pid === process.pid ? [] : [{ pid, parent }];
  });
}

/** A container's root file system lies in the folder of the node's dockerd. */
const rootedIn = (pid: number, dir: string): boolean =>
  read(`/proc/${pid}/mountinfo`)
    .split('\n')
    .some((line) => line.split(' ')[4] === '/' && line.includes(`${dir}/`));

/**
 * Every process of a lab: in one of its namespaces, marked by its environment, a container on its files, or a child of such a one.
 * This process and its ancestors are never among them (`lab down` may be typed on a node).
 */
export function processesOf(name: string, dir: string, inodes: ReadonlySet<number>): number[] {
  const table = all();
  const mark = `${LAB_MARK}=${name}\0`;
  const isOwn = (pid: number): boolean => {
    const inode = namespaceOf(pid);
    return (
      (inode !== undefined && inodes.has(inode)) ||
      `${read(`/proc/${pid}/environ`)}\0`.includes(mark) ||
      rootedIn(pid, dir)
    );
  };
  const own = new Set(table.filter(({ pid }) => isOwn(pid)).map(({ pid }) => pid));
  for (let grown = -1; grown !== own.size; ) {
    grown = own.size;
    for (const { pid, parent } of table) if (own.has(parent)) own.add(pid);
  }
  for (const pid of ancestors(table)) own.delete(pid);
  return [...own];
}

function ancestors(table: readonly Found[]): number[] {
  const parents = new Map(table.map(({ pid, parent }) => [pid, parent]));
  const line = [process.pid];
  for (let next: number | undefined = process.ppid; next !== undefined && next > 1; next = parents.get(next))
    line.push(next);
  return line;
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ended by itself
  }
};

/** Kills them all, new ones too, until none is left. Rejects with LAB_STUCK when one cannot be killed in a minute. */
export async function killAll(find: () => number[]): Promise<number> {
  const killed = new Set<number>();
  const none = async () => {
    const left = find();
    for (const pid of left) {
      killed.add(pid);
      kill(pid);
    }
    return left.length === 0 ? true : undefined;
  };
  await until('the processes of the lab do not end', none, { timeoutMs: 60_000 });
  return killed.size;
}
