import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../../control/client.ts';
import { startBackground, until } from '../background.ts';
import type { Lab, LabNode } from '../lab.ts';
import { mustRun, nodeEnvironment, onNode, runDirOf, runOn, subnetFileOf } from '../node.ts';
import { subnetOf } from '../status.ts';

/** The daemon that is put to the faults. */
export interface Subject {
  readonly name: string;
  /** It is tsflannel: it can be asked for its plan. */
  readonly own: boolean;
  /** Starts it and waits until it says, by its own means, that the node is up. */
  start(node: LabNode, ...args: string[]): Promise<void>;
  pid(node: LabNode): number | undefined;
  /** Sends the signal; resolves when the process is gone. */
  kill(node: LabNode, signal: NodeJS.Signals): Promise<void>;
  /** Steps it would still take; 0 where nobody can tell. Rejects while it is not up. */
  open(node: LabNode): Promise<number>;
}

const PATIENCE_MS = 60_000;

const isAlive = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

async function kill(pid: number | undefined, signal: NodeJS.Signals): Promise<void> {
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

/** tsflannel itself, by its own commands. `variables` are added to the environment. */
export function ownSubject(lab: Lab): Subject {
  const pid = (node: LabNode) => pidIn(join(runDirOf(node), 'daemon.pid'));
  return {
    name: 'tsflannel',
    own: true,
    async start(node, ...args) {
      await mustRun(lab, node, ['tsflannel', 'up', '--detach', ...args]);
    },
    pid,
    kill: (node, signal) => kill(pid(node), signal),
    open: async (node) => (await ask(runDirOf(node), 'plan')).steps.length,
  };
}

const writtenAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/**
 * Another daemon by its command line, as `/usr/bin/flanneld --ip-masq`. It is told by flanneld's environment where etcd and subnet.env are;
 * it is up when it has written subnet.env. What flanneld leaves to Docker (forwarding) is done for it.
 */
export function otherSubject(lab: Lab, command: readonly string[]): Subject {
  const pids = new Map<string, number>();
  const endpoints = lab.nodes.filter(({ member }) => member).map(({ ip }) => `http://${ip}:2379`);
  const pid = ({ name }: LabNode) => {
    const known = pids.get(name);
    return known !== undefined && isAlive(known) ? known : undefined;
  };
  return {
    name: command[0] ?? '',
    own: false,
    async start(node, ...args) {
      await runOn(lab, node, ['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1']);
      const file = subnetFileOf(node);
      const before = writtenAt(file);
      const env = {
        ...nodeEnvironment(lab, node),
        FLANNELD_ETCD_ENDPOINTS: endpoints.join(','),
        FLANNELD_SUBNET_FILE: file,
      };
      const log = join(runDirOf(node), 'daemon.log');
      pids.set(node.name, startBackground(onNode(node, [...command, ...args]), env, log));
      const up = async () => (writtenAt(file) !== before ? await subnetOf(node) : undefined);
      await until(`${command[0]} on ${node.name} writes no subnet.env`, up, { timeoutMs: PATIENCE_MS, log });
    },
    pid,
    kill: (node, signal) => kill(pid(node), signal),
    open: async () => 0,
  };
}
