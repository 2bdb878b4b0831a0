import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../../control/client.ts';
import { until } from '../background.ts';
import type { Lab, LabNode } from '../lab.ts';
import { mustRun, runDirOf, runOn } from '../node.ts';
import type { Way } from './ways.ts';

/** The daemon that is put to the faults. */
export interface Subject {
  readonly name: string;
  /** It is tsflannel on all nodes: it can be asked, and its own commands mean something. */
  readonly own: boolean;
  /** Starts it and waits until it says, by its own means, that the node is up. */
  start(node: LabNode, ...args: string[]): Promise<void>;
  pid(node: LabNode): number | undefined;
  /** Sends the signal; resolves when the process is gone. */
  kill(node: LabNode, signal: NodeJS.Signals): Promise<void>;
  /** Steps it would still take; undefined where nobody can tell. Rejects while it is not up. */
  open(node: LabNode): Promise<number | undefined>;
  /** The node's subnet. Rejects while it has none. */
  subnet(node: LabNode): Promise<string>;
  /** Where it leads packets to; of one that cannot be asked what the kernel says. */
  ways(node: LabNode): Promise<readonly Way[]>;
  /** Starts it with the address of another node, in vain or not; whether it was refused. It runs no more then. */
  isRefused(node: LabNode, publicIp: string): Promise<boolean>;
  /** Starts nothing any more. */
  end(): void;
}

export const PATIENCE_MS = 60_000;

export const isAlive = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

export async function killPid(pid: number | undefined, signal: NodeJS.Signals): Promise<void> {
  if (pid === undefined) return;
  process.kill(pid, signal);
  const gone = async () => (isAlive(pid) ? undefined : true);
  await until('the daemon does not end', gone, { timeoutMs: PATIENCE_MS });
}

function pidIn(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return isAlive(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** tsflannel itself, by its own commands. */
export function ownSubject(lab: Lab): Subject {
  const pid = (node: LabNode) => pidIn(join(runDirOf(node), 'daemon.pid'));
  return {
    name: 'tsflannel',
    own: true,
    async start(node, ...args) {
      await mustRun(lab, node, ['tsflannel', 'up', '--detach', ...args]);
    },
    pid,
    kill: (node, signal) => killPid(pid(node), signal),
    open: async (node) => (await ask(runDirOf(node), 'plan')).steps.length,
    subnet: async (node) => (await ask(runDirOf(node), 'status')).subnet,
    ways: async (node) => (await ask(runDirOf(node), 'routes')).rows.filter(({ state }) => state === 'ok'),
    async isRefused(node, publicIp) {
      const { stdout } = await runOn(lab, node, ['tsflannel', 'up', '--public-ip', publicIp, '--json']);
      return stdout.includes('"PUBLIC_IP_TAKEN"');
    },
    end: () => undefined,
  };
}

/** Both at once, as in a cluster that is on its way from one to the other: the first and third node have `one`, the others `other`. */
export function mixedSubject({ nodes }: Lab, one: Subject, other: Subject): Subject {
  const of = (node: LabNode): Subject => (nodes.indexOf(node) % 2 === 0 ? one : other);
  return {
    name: `${one.name} and ${other.name}`,
    own: false,
    start: (node, ...args) => of(node).start(node, ...args),
    pid: (node) => of(node).pid(node),
    kill: (node, signal) => of(node).kill(node, signal),
    open: (node) => of(node).open(node),
    subnet: (node) => of(node).subnet(node),
    ways: (node) => of(node).ways(node),
    isRefused: (node, publicIp) => of(node).isRefused(node, publicIp),
    end() {
      one.end();
      other.end();
    },
  };
}
