/**
 * Hosts for tests of `init`: network namespaces on a bridge, each with an address, a default route and folders of its own. Commands run in
 * them as a user types them, by bin/tsflannel.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { holdToSchema } from './held.ts';
import { leftNothing, type Snapshot, snapshot } from './leaks.ts';
import { openTerminal, type Terminal } from './pty.ts';
import { until } from './until.ts';

const PROGRAM = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'bin', 'tsflannel');

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Background {
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>;
  kill(): Promise<void>;
}

export interface TestHost {
  readonly namespace: string;
  readonly ip: string;
  /** Everything the host keeps is below this folder: etcd, run and etc. */
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  /** `tsflannel …` on the host, without a terminal. */
  tsflannel(...argv: string[]): Promise<Ran>;
  /** The same with more environment. */
  tsflannelWith(more: NodeJS.ProcessEnv, ...argv: string[]): Promise<Ran>;
  /** `tsflannel …` on the host, on a terminal. */
  terminal(...argv: string[]): Terminal;
  /** Any program on the host, in the background; it is killed before the host is taken away. */
  start(...argv: string[]): Background;
}

export interface TestHosts {
  readonly hosts: readonly TestHost[];
  /** A host of the underlay itself, for services. */
  readonly hub: TestHost;
  down(): Promise<void>;
}

const clean = (dir: string): NodeJS.ProcessEnv => {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:CI$|TSFLANNEL_|FLANNELD_|ETCD)/.test(name));
  return {
    ...Object.fromEntries(inherited),
    TSFLANNEL_DATA_DIR: join(dir, 'etcd'),
    TSFLANNEL_RUN_DIR: join(dir, 'run'),
    TSFLANNEL_CONFIG_DIR: join(dir, 'etc'),
  };
};

const background = new Set<Background>();

function hostOf(namespace: string, ip: string, dir: string): TestHost {
  const env = clean(dir);
  // With a resolver of its own the host has its /etc/resolv.conf too, which ip puts there.
  const inside = (argv: readonly string[]): readonly [string, string[]] =>
    existsSync(`/etc/netns/${namespace}`)
      ? ['ip', ['netns', 'exec', namespace, ...argv]]
      : ['nsenter', [`--net=/run/netns/${namespace}`, '--', ...argv]];
  const run = async (more: NodeJS.ProcessEnv, argv: readonly string[]): Promise<Ran> => {
    const options = { env: { ...env, ...more }, extendEnv: false, reject: false, stdin: 'ignore' } as const;
    const { exitCode, stdout, stderr } = await execa(...inside([PROGRAM, ...argv]), options);
    if (exitCode !== undefined) holdToSchema(['tsflannel', ...argv], stdout);
    return { exit: exitCode ?? -1, stdout, stderr };
  };
  return {
    namespace,
    ip,
    dir,
    env,
    tsflannel: (...argv) => run({}, argv),
    tsflannelWith: (more, ...argv) => run(more, argv),
    terminal: (...argv) => openTerminal(inside([PROGRAM, ...argv]).flat(), { env }),
    start(...argv) {
      const child = spawn(...inside(argv), { env, stdio: 'ignore' });
      const ended = once(child, 'exit').then(() => {});
      const kill = () => {
        child.kill('SIGKILL');
        return ended;
      };
      background.add({ ended, kill });
      return { ended, kill };
    },
  };
}

const ip = (...argv: string[]) => execa('ip', argv);

async function plug(hub: string, host: TestHost, device: string): Promise<void> {
  await ip('netns', 'add', host.namespace);
  await ip('-n', host.namespace, 'link', 'set', 'lo', 'up');
  await ip('link', 'add', device, 'netns', hub, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host.namespace);
  await ip('-n', hub, 'link', 'set', device, 'master', 'br0', 'up');
  await ip('-n', host.namespace, 'address', 'add', `${host.ip}/24`, 'dev', 'eth0');
  await ip('-n', host.namespace, 'link', 'set', 'eth0', 'up');
  await ip('-n', host.namespace, 'route', 'add', 'default', 'via', '10.78.0.254');
}

/** Makes `count` hosts, 10.78.0.1 and up, on a bridge at 10.78.0.254; `prefix` begins the names of their namespaces. */
export async function makeHosts(prefix: string, count: number): Promise<TestHosts> {
  const root = mkdtempSync(join(tmpdir(), `${prefix}-`));
  const hub = hostOf(`${prefix}-hub`, '10.78.0.254', join(root, 'hub'));
  const hosts = Array.from({ length: count }, (_, index) =>
    hostOf(`${prefix}-${index + 1}`, `10.78.0.${index + 1}`, join(root, String(index + 1))),
  );
  await ip('netns', 'add', hub.namespace);
  await ip('-n', hub.namespace, 'link', 'set', 'lo', 'up');
  await ip('-n', hub.namespace, 'link', 'add', 'br0', 'type', 'bridge');
  await ip('-n', hub.namespace, 'address', 'add', '10.78.0.254/24', 'dev', 'br0');
  await ip('-n', hub.namespace, 'link', 'set', 'br0', 'up');
  for (const [index, host] of hosts.entries()) await plug(hub.namespace, host, `port${index + 1}`);
  return {
    hosts,
    hub,
    async down() {
      for (const { namespace } of [...hosts, hub]) {
        await ip('netns', 'delete', namespace);
        rmSync(`/etc/netns/${namespace}`, { recursive: true, force: true });
      }
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Records of the tests' own DNS server: addresses of names, and SRV records of services. */
export interface DnsRecords {
  readonly a: Readonly<Record<string, string>>;
  readonly srv: Readonly<Record<string, readonly { readonly target: string; readonly port: number }[]>>;
}

const DNS_PROGRAM = join(dirname(fileURLToPath(import.meta.url)), 'dns-server.ts');

/** A DNS server on the hub, which the hosts ask from now on. */
export async function startDns(hub: TestHost, hosts: readonly TestHost[], records: DnsRecords): Promise<void> {
  for (const { namespace } of [...hosts, hub]) {
    mkdirSync(`/etc/netns/${namespace}`, { recursive: true });
    writeFileSync(`/etc/netns/${namespace}/resolv.conf`, `nameserver ${hub.ip}\n`);
  }
  const ready = join(hub.dir, 'dns-ready');
  mkdirSync(hub.dir, { recursive: true });
  hub.start(process.execPath, DNS_PROGRAM, hub.ip, JSON.stringify(records), ready);
  await until('the DNS server listens', () => existsSync(ready));
}

/** The body of an HTTP reply as a host sees it; waits until there is one. */
export async function fetchOn(host: TestHost, url: string): Promise<string> {
  let body = '';
  await until(`${url} answers`, async () => {
    const curl = ['curl', '-sf', '-m', '2', url];
    const { exitCode, stdout } = await execa('nsenter', [`--net=/run/netns/${host.namespace}`, '--', ...curl], {
      reject: false,
    });
    body = stdout;
    return exitCode === 0;
  });
  return body;
}

export interface Discovery {
  readonly base: string;
  /** A fresh discovery URL for a cluster of this size. */
  newUrl(size: number): Promise<string>;
}

/** The real discovery service with its own etcd, on the hub. */
export async function startDiscovery(hub: TestHost): Promise<Discovery> {
  const base = `http://${hub.ip}:8087`;
  hub.start('etcd', '--enable-v2', '--data-dir', join(hub.dir, 'etcd'), '--unsafe-no-fsync');
  hub.start('discovery.etcd.io', '-a', `${hub.ip}:8087`, '-e', 'http://127.0.0.1:2379', '-h', base);
  await fetchOn(hub, `${base}/new?size=1`);
  return { base, newUrl: (size) => fetchOn(hub, `${base}/new?size=${size}`) };
}

/** Processes in the hosts' namespaces. */
async function pidsIn(net: TestHosts | undefined): Promise<number[]> {
  const pids: number[] = [];
  for (const { namespace } of net ? [...net.hosts, net.hub] : []) {
    const { stdout } = await execa('ip', ['netns', 'pids', namespace]);
    pids.push(
      ...stdout
        .split('\n')
        .filter((line) => line !== '')
        .map(Number),
    );
  }
  return pids;
}

/** What was told to end may take a moment to be gone. */
const GONE_MS = 10_000;

/** Processes that stay in the hosts' namespaces, by command line; they are ended. */
async function leftovers(net: TestHosts | undefined): Promise<string[]> {
  const areGone = async (): Promise<boolean> => (await pidsIn(net)).length === 0;
  await until('no process is left', areGone, GONE_MS).catch(() => {});
  return (await pidsIn(net)).flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      process.kill(pid, 'SIGKILL');
      return [command];
    } catch {
      return []; // ended by itself
    }
  });
}

/** Registers mocha hooks that make `count` hosts and take them away; the last hook checks that nothing is left of them. */
export function useHosts(prefix: string, count: number): { host(number: number): TestHost; hub(): TestHost } {
  const watched = { mine: new RegExp(`\\b${prefix}-(?:hub|\\d+|\\w{6}/)`), dirs: [] };
  let net: TestHosts | undefined;
  const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`${prefix}-`));
  let shown: Snapshot = {};
  let before_: readonly string[] = [];
  before(async () => {
    before_ = folders();
    shown = await snapshot(watched);
    net = await makeHosts(prefix, count);
  });
  after(async () => {
    for (const one of background) await one.kill();
    background.clear();
    const left = await leftovers(net);
    await net?.down();
    assert.deepEqual(left, [], 'processes were left');
    await leftNothing(shown, () => snapshot(watched), 'the hosts left something');
    assert.deepEqual(folders(), before_);
  });
  const made = (one: TestHost | undefined): TestHost => {
    assert.ok(one, 'there is no such host');
    return one;
  };
  return { host: (number) => made(net?.hosts[number - 1]), hub: () => made(net?.hub) };
}
