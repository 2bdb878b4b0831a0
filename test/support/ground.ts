/**
 * Ground for real daemons beside each other: hosts as network namespaces on one underlay bridge, a real etcd on that bridge, and a
 * "container" a host (a namespace of its own behind the host, on the subnet that was leased). Used by lab tests and by bench/.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import {
  addDefaultRoute,
  addNamespace,
  createBridge,
  createVeth,
  deleteNamespace,
  nsenterArgs,
} from '../../src/kernel/linux/netns.ts';
import { parseIp4, parsePrefix, printIp } from '../../src/model/address.ts';
import { packageRoot } from '../../src/root.ts';
import { startEtcd, type TestEtcd } from './etcd.ts';
import { holdToSchema } from './held.ts';
import { until } from './until.ts';

/** A program in the background; what it says is kept. */
export interface Running {
  readonly pid: number;
  said(): string;
  /** `undefined` while it runs. */
  exit(): number | NodeJS.Signals | undefined;
  /** Signals it and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** One machine of the cluster. */
export interface Host {
  readonly name: string;
  readonly namespace: string;
  /** Underlay address. */
  readonly ip: string;
  readonly dir: string;
  readonly subnetFile: string;
  /** Output of a program that must succeed on the host. */
  run(...argv: string[]): Promise<string>;
  start(argv: readonly string[]): Running;
  /** `tsflannel` of this checkout with this host's folders and the ground's etcd. */
  tsflannel(...args: string[]): Promise<string>;
  startTsflannel(...args: string[]): Running;
  /** `tsflannel up …` in the background, once it says that the node is ready. */
  up(...args: string[]): Promise<Running>;
  /** A real flanneld with this host's subnet file and the ground's etcd. */
  startFlanneld(program: string, ...args: string[]): Running;
  /** subnet.env as an object; empty while there is none. */
  env(): Promise<Readonly<Record<string, string>>>;
}

export interface Ground {
  readonly etcd: TestEtcd;
  /** Where hosts reach etcd. */
  readonly endpoint: string;
  readonly hosts: readonly Host[];
  /** Namespace of the bridge `underlay`, on which etcd listens. */
  readonly underlay: string;
  /** Gives the host a container on its leased subnet; resolves to the container's namespace and address. */
  attach(host: Host): Promise<Container>;
  /** Ends everything that was started and removes everything that was made. */
  close(): Promise<void>;
}

export interface Container {
  readonly namespace: string;
  readonly ip: string;
}

const GATEWAY = '198.18.255.254';
const MTU = 1500;

const ip4 = (text: string) => {
  const ip = parseIp4(text);
  if (!ip) throw new Error(`${text} is not an address`);
  return ip;
};

/** The `index`-th address of a prefix. */
export const addressIn = (cidr: string, index: number): string => {
  const prefix = parsePrefix(cidr);
  if (!prefix) throw new Error(`${cidr} is not a prefix`);
  return printIp({ family: 4, value: prefix.address + BigInt(index) });
};

/** The subnet a host has leased, as its subnet.env tells: `172.20.5.0/24`. */
export async function subnetOf(host: Host): Promise<string> {
  const { FLANNEL_SUBNET = '' } = await host.env();
  const [first = '', length] = FLANNEL_SUBNET.split('/');
  return `${printIp({ family: 4, value: ip4(first).value - 1n })}/${length}`;
}

/** Whatever means another cluster in the caller's environment must not reach the programs. */
const cleanEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (pair): pair is [string, string] => pair[1] !== undefined && !/^(FLANNELD|TSFLANNEL|ETCD)/.test(pair[0]),
    ),
  );

function watchOver(child: ChildProcess): Running {
  let text = '';
  let exit: number | NodeJS.Signals | undefined;
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  child.once('exit', (code, signal) => {
    exit = signal ?? code ?? -1;
  });
  return {
    pid: child.pid ?? -1,
    said: () => text,
    exit: () => exit,
    async stop(signal = 'SIGTERM') {
      if (exit !== undefined) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    },
  };
}

interface Setting {
  readonly dir: string;
  readonly endpoint: string;
  readonly running: Running[];
}

function hostAt({ dir, endpoint, running }: Setting, name: string, number: number): Host {
  const namespace = `${name}${number}`;
  const home = join(dir, `n${number}`);
  const subnetFile = join(home, 'run', 'subnet.env');
  const env = {
    ...cleanEnvironment(),
    TSFLANNEL_CONFIG_DIR: join(home, 'etc'),
    TSFLANNEL_STATE_DIR: join(home, 'state'),
    TSFLANNEL_RUN_DIR: join(home, 'run'),
    TSFLANNEL_SUBNET_FILE: subnetFile,
    TSFLANNEL_ETCD_ENDPOINTS: endpoint,
    TSFLANNEL_NODE_NAME: namespace,
  };
  const [enter, ...inside] = nsenterArgs(namespace) as [string, ...string[]];
  const program = join(packageRoot(), 'bin', 'tsflannel');
  const start = (argv: readonly string[]): Running => {
    const child = spawn(enter, [...inside, '--', ...argv], { env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    const started = watchOver(child);
    running.push(started);
    return started;
  };
  const run = async (...argv: string[]): Promise<string> => {
    const { stdout } = await execa(enter, [...inside, '--', ...argv], { env, extendEnv: false, stdin: 'ignore' });
    holdToSchema(argv, stdout);
    return stdout;
  };
  return {
    ...{ name: namespace, namespace, ip: `198.18.0.${number}`, dir: home, subnetFile, run, start },
    tsflannel: (...args) => run(program, ...args),
    startTsflannel: (...args) => start([program, ...args]),
    async up(...args) {
      const daemon = start([program, 'up', ...args]);
      const isReady = () => {
        assert.equal(daemon.exit(), undefined, daemon.said());
        return / ready /.test(daemon.said());
      };
      await until(`${namespace} is ready`, isReady);
      return daemon;
    },
    startFlanneld: (flanneld, ...args) => {
      const iface = args.some((arg) => arg.startsWith('--iface')) ? [] : ['--iface=eth0'];
      return start([flanneld, `--etcd-endpoints=${endpoint}`, `--subnet-file=${subnetFile}`, ...iface, ...args]);
    },
    async env() {
      const text = await readFile(subnetFile, 'utf8').catch(() => '');
      return Object.fromEntries([...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, key, value]) => [key, value]));
    },
  };
}

async function plugIn(host: Host, underlay: string, number: number): Promise<void> {
  await addNamespace(host.namespace);
  await createVeth({
    ...{ name: `n${number}`, bridge: 'underlay', namespace: underlay, peer: 'eth0', peerNamespace: host.namespace },
    ...{ ip: { ip: ip4(host.ip), length: 16 }, mtu: MTU },
  });
  await addDefaultRoute(ip4(GATEWAY), host.namespace);
  await mkdir(join(host.dir, 'run'), { recursive: true });
}

/** A pair between host and container: the host's end has the first address of the subnet, as docker0 would. */
async function attach(host: Host): Promise<Container> {
  const namespace = `${host.namespace}c`;
  const subnet = await subnetOf(host);
  const { FLANNEL_MTU = '' } = await host.env();
  const [first, ip] = [addressIn(subnet, 1), addressIn(subnet, 2)];
  await addNamespace(namespace);
  const { length } = parsePrefix(subnet) as { length: number };
  await host.run('ip', 'link', 'add', 'c0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  await host.run('ip', 'address', 'add', `${first}/${length}`, 'dev', 'c0');
  await host.run('ip', 'link', 'set', 'c0', 'mtu', FLANNEL_MTU, 'up');
  const inside = (...argv: string[]) => execa('ip', ['-n', namespace, ...argv]);
  await inside('address', 'add', `${ip}/${length}`, 'dev', 'eth0');
  await inside('link', 'set', 'eth0', 'mtu', FLANNEL_MTU, 'up');
  await inside('route', 'add', 'default', 'via', first);
  return { namespace, ip };
}

async function wire(hosts: readonly Host[], underlay: string): Promise<void> {
  for (const [i, host] of hosts.entries()) await plugIn(host, underlay, i + 1);
}

/** Makes `count` hosts; `name` is short and begins every namespace's name. */
export async function makeGround(name: string, count: number, etcdArgs: readonly string[] = []): Promise<Ground> {
  const dir = await mkdtemp(join(tmpdir(), `${name}-`));
  const underlay = `${name}u`;
  const running: Running[] = [];
  let etcd: TestEtcd | undefined;
  let hosts: readonly Host[] = [];
  async function close(): Promise<void> {
    for (const one of running) await one.stop('SIGKILL');
    await etcd?.close();
    for (const { namespace } of hosts) {
      await deleteNamespace(`${namespace}c`);
      await deleteNamespace(namespace);
    }
    await deleteNamespace(underlay);
    await rm(dir, { recursive: true, force: true });
  }
  try {
    await addNamespace(underlay);
    await createBridge('underlay', { ip: ip4(GATEWAY), length: 16 }, underlay);
    etcd = await startEtcd({ netns: underlay, listen: GATEWAY, args: etcdArgs });
    const endpoint = `http://${GATEWAY}:${etcd.port}`;
    hosts = Array.from({ length: count }, (_, i) => hostAt({ dir, endpoint, running }, name, i + 1));
    await wire(hosts, underlay);
    return { etcd, endpoint, hosts, underlay, attach, close };
  } catch (error) {
    await close();
    throw error;
  }
}
