import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How to start it. */
export interface EtcdSetup {
  /** Network namespace to run in; its loopback must be up. */
  readonly netns?: string;
  /** PEM files: the server speaks TLS, and asks clients for a certificate of this CA when `clientAuth` is set. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string; readonly clientAuth?: boolean };
  /** Another address to serve clients on, on the same port. */
  readonly listen?: string;
  /** More arguments of etcd. */
  readonly args?: readonly string[];
  /** A member of a larger cluster: its name, its peer port, and `name=url,…` of all. */
  readonly member?: { readonly name: string; readonly peerPort: number; readonly cluster: string };
}

/** A real etcd of one member on loopback, with its data in a temporary folder. */
export interface TestEtcd {
  readonly endpoint: string;
  readonly port: number;
  readonly pid: () => number;
  /** Starts it again on the same port and data; resolves when it serves. */
  start(): Promise<void>;
  /** Ends it and waits until it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Deletes its data; call it while stopped. */
  wipe(): Promise<void>;
  /** etcdctl against it: what it prints. */
  ctl(...args: string[]): Promise<string>;
  /** Stops it and removes everything. */
  close(): Promise<void>;
}

/** Below those that the kernel gives to connections and to whoever asks for any port: nobody takes one of these by chance. */
const PORTS = { first: 15_000, count: 16_000 } as const;

/** Told before in this process; who asked may not listen yet. */
const told = new Set<number>();

/** A TCP port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + randomInt(PORTS.count);
    if (told.has(port)) continue;
    told.add(port);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

type Member = NonNullable<EtcdSetup['member']>;

async function aloneOnPort(): Promise<Member> {
  const peerPort = await freePort();
  return { name: 'test', peerPort, cluster: `test=http://127.0.0.1:${peerPort}` };
}

function argsOf(dir: string, port: number, { name, peerPort, cluster }: Member, setup: EtcdSetup): string[] {
  const { tls, listen, args = [] } = setup;
  const scheme = tls ? 'https' : 'http';
  const client = `${scheme}://127.0.0.1:${port}`;
  const listened = listen === undefined ? client : `${client},${scheme}://${listen}:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    ...['--name', name, '--data-dir', join(dir, 'data'), '--unsafe-no-fsync'],
    ...['--listen-client-urls', listened, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', cluster],
    ...(tls ? ['--cert-file', tls.cert, '--key-file', tls.key] : []),
    ...(tls?.clientAuth ? ['--client-cert-auth', '--trusted-ca-file', tls.ca] : []),
    ...args,
  ];
}

/** Resolves when etcd's log says that it serves clients; rejects with the log when it ends instead. */
function serving(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (/ready to serve|serving (insecure )?client/.test(log)) resolve();
    });
    child.once('exit', () => reject(new Error(`etcd ended:\n${log.slice(-2000)}`)));
  });
}

/** Starts one; the caller closes it. */
export async function startEtcd(setup: EtcdSetup = {}): Promise<TestEtcd> {
  const dir = await mkdtemp(join(tmpdir(), 'tsflannel-etcd-'));
  const port = await freePort();
  const member = setup.member ?? (await aloneOnPort());
  const inside = setup.netns === undefined ? [] : ['ip', 'netns', 'exec', setup.netns];
  const endpoint = `${setup.tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;

  const etcd: TestEtcd = {
    endpoint,
    port,
    pid: () => child?.pid ?? 0,
    async start() {
      const [program = 'etcd', ...args] = [...inside, 'etcd', ...argsOf(dir, port, member, setup)];
      child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      await serving(child);
    },
    async stop(signal = 'SIGTERM') {
      const ending = child;
      child = undefined;
      if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
      const exit = once(ending, 'exit');
      ending.kill(signal);
      ending.kill('SIGCONT');
      await exit;
    },
    wipe: () => rm(join(dir, 'data'), { recursive: true, force: true }),
    async ctl(...args) {
      const { tls } = setup;
      const secure = tls ? ['--cacert', tls.ca, '--cert', tls.cert, '--key', tls.key] : [];
      const [program = 'etcdctl', ...rest] = [...inside, 'etcdctl', '--endpoints', endpoint, ...secure, ...args];
      return (await run(program, rest, { env: { ...process.env, ETCDCTL_API: '3' } })).stdout;
    },
    async close() {
      await etcd.stop('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
  try {
    await etcd.start();
  } catch (error) {
    await etcd.close();
    throw error;
  }
  return etcd;
}

/** Users root (password secret) and flannel (canary-77), who may read and write below /k/. Nobody is asked who he is before `auth enable`. */
export async function addUsers(etcd: TestEtcd): Promise<void> {
  await etcd.ctl('user', 'add', 'root:secret');
  await etcd.ctl('user', 'add', 'flannel:canary-77');
  await etcd.ctl('role', 'add', 'net');
  await etcd.ctl('user', 'grant-role', 'root', 'root');
  await etcd.ctl('role', 'grant-permission', '--prefix=true', 'net', 'readwrite', '/k/');
  await etcd.ctl('user', 'grant-role', 'flannel', 'net');
}
