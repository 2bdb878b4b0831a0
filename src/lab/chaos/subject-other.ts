import { statSync } from 'node:fs';
import { join } from 'node:path';
import { TsflannelError } from '../../errors.ts';
import { startBackground, until } from '../background.ts';
import type { Lab, LabNode } from '../lab.ts';
import { nodeEnvironment, onNode, runDirOf, runOn, subnetFileOf } from '../node.ts';
import { subnetOf } from '../status.ts';
import { now } from './chaos.ts';
import { isAlive, killPid, PATIENCE_MS, type Subject } from './subject.ts';
import { DEVICES, readWays } from './ways.ts';

/** One whose subnet.env stays as it was counts as up when it has lived so long. */
const STEADY_MS = 2_000;
/** As systemd's Restart=always does with RestartSec=1. */
const AGAIN_MS = 1_000;
const LOOK_MS = 100;
/** How long one with another's address may take to find out. */
const REFUSED_MS = 10_000;

const writtenAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Starts the program on a node, told by flanneld's environment where etcd and subnet.env are. Returns its pid. */
type Launch = (node: LabNode, args: readonly string[], env?: Record<string, string>) => number;

const logOf = (node: LabNode): string => join(runDirOf(node), 'daemon.log');

function launcher(lab: Lab, command: readonly string[]): Launch {
  const endpoints = lab.nodes.filter(({ member }) => member).map(({ ip }) => `http://${ip}:2379`);
  return (node, args, more = {}) => {
    const told = { FLANNELD_ETCD_ENDPOINTS: endpoints.join(','), FLANNELD_SUBNET_FILE: subnetFileOf(node) };
    const env = { ...nodeEnvironment(lab, node), ...told, ...more };
    return startBackground(onNode(node, [...command, ...args]), env, logOf(node));
  };
}

/** What is to run on a node. */
interface Wanted {
  readonly node: LabNode;
  readonly args: readonly string[];
  pid: number;
  /** When it was found dead. */
  ended?: number;
}

/** Programs that end by themselves are started again. `ended` is told which. */
function createSupervisor(launch: Launch, ended: (node: LabNode) => void) {
  const wanted = new Map<string, Wanted>();
  function look(one: Wanted): void {
    if (isAlive(one.pid)) return;
    if (one.ended === undefined) {
      one.ended = now();
      ended(one.node);
    } else if (now() - one.ended > AGAIN_MS) {
      one.pid = launch(one.node, one.args);
      delete one.ended;
    }
  }
  const timer = setInterval(() => {
    for (const one of wanted.values()) look(one);
  }, LOOK_MS);
  return {
    start: (node: LabNode, args: readonly string[]) =>
      void wanted.set(node.name, { node, args, pid: launch(node, args) }),
    /** It may end now. */
    release: ({ name }: LabNode) => void wanted.delete(name),
    pid({ name }: LabNode) {
      const pid = wanted.get(name)?.pid;
      return pid !== undefined && isAlive(pid) ? pid : undefined;
    },
    end: () => clearInterval(timer),
  };
}

/**
 * Another daemon by its command line, as `/usr/bin/flanneld --ip-masq`; it is up when it has written subnet.env. What flanneld leaves to
 * Docker (forwarding) is done for it, and as under a supervisor it is started again when it ends by itself, which `note` is told.
 */
export function otherSubject(lab: Lab, command: readonly string[], note: (text: string) => void): Subject {
  const launch = launcher(lab, command);
  const supervisor = createSupervisor(launch, ({ name }) => note(`${name} ended by itself, and was started again`));
  const { pid } = supervisor;
  let hasEnded = false;
  async function kill(node: LabNode, signal: NodeJS.Signals): Promise<void> {
    const running = pid(node);
    supervisor.release(node);
    await killPid(running, signal);
  }
  return {
    name: command.slice(0, 1).join().replace(/.*\//, ''),
    own: false,
    async start(node, ...args) {
      await runOn(lab, node, ['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1']);
      const file = subnetFileOf(node);
      const [before, began] = [writtenAt(file), now()];
      supervisor.start(node, args);
      const isSteady = () => writtenAt(file) !== before || (pid(node) !== undefined && now() - began > STEADY_MS);
      const up = async () => {
        if (hasEnded) throw new TsflannelError('ABORTED');
        return isSteady() ? await subnetOf(node) : undefined;
      };
      await until(`${command[0]} on ${node.name} writes no subnet.env`, up, {
        timeoutMs: PATIENCE_MS,
        log: logOf(node),
      });
    },
    pid,
    kill,
    open: async () => undefined,
    async subnet(node) {
      const subnet = await subnetOf(node);
      if (subnet === undefined) throw new Error(`${node.name} has no subnet`);
      return subnet;
    },
    ways: (node) => readWays(lab, node),
    async isRefused(node, publicIp) {
      const file = subnetFileOf(node);
      const before = writtenAt(file);
      // Without the interface flanneld looks for one with that address, and finds none.
      const started = launch(node, [], { FLANNELD_PUBLIC_IP: publicIp, FLANNELD_IFACE: DEVICES['host-gw'] });
      const decided = async () => (!isAlive(started) || writtenAt(file) !== before ? true : undefined);
      await until('it decides', decided, { timeoutMs: REFUSED_MS }).catch(() => undefined);
      if (!isAlive(started)) return true;
      await killPid(started, 'SIGKILL');
      return false;
    },
    end() {
      hasEnded = true;
      supervisor.end();
    },
  };
}
