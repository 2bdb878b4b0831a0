/** A real dockerd in a namespace of its own for the tests of a describe block, and the docker commands run beside it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import {
  type DockerdPaths,
  dockerdPaths,
  dockerdPid,
  importImage,
  LAB_IMAGE,
  startDockerd,
  stopDockerd,
} from '../../src/lab/dockerd.ts';
import { packageRoot } from '../../src/root.ts';
import { holdToSchema } from './held.ts';
import { leftNothing, type Snapshot, snapshot } from './leaks.ts';

export interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** One dockerd as a test sees it. */
export interface TestDockerd {
  readonly namespace: string;
  readonly paths: DockerdPaths;
  readonly stateDir: string;
  readonly subnetFile: string;
  pid(): Promise<number>;
  /** dockerd's command line. */
  argv(): Promise<string>;
  daemonJson(): string;
  /** Writes subnet.env for this subnet (first address with length). */
  lease(subnet: string): Promise<void>;
  /** Command line of `tsflannel docker …` in the namespace, entered as a user does: by `ip netns exec`. */
  command(...args: string[]): string[];
  /** Runs it; `--json` is added. */
  tsflannel(...args: string[]): Promise<Ended>;
  docker(...args: string[]): Promise<string>;
  /** Starts a container that sleeps; it dies at once when it is stopped. */
  container(name: string, ...options: string[]): Promise<void>;
  /** A container's address on the default bridge. */
  addressOf(container: string): Promise<string>;
  /** IPv4 addresses of docker0. */
  docker0(): Promise<string[]>;
  /** Network of the namespace, daemon.json and our state: what revert has to give back. */
  shows(): Promise<Snapshot>;
}

export interface DockerdWish {
  /** Also the name of the namespace. */
  readonly name: string;
  readonly flags?: (paths: DockerdPaths) => readonly string[];
  readonly daemonJson?: string;
}

const MTU = 1450;

export async function startTestDockerd({ name, flags, daemonJson }: DockerdWish): Promise<TestDockerd> {
  const dockerd = testDockerd(name, dockerdPaths(await mkdtemp(join(tmpdir(), `${name}-`))));
  const { paths } = dockerd;
  try {
    await execa('ip', ['netns', 'add', name]);
    await execa('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    if (daemonJson !== undefined) await writeFile(paths.configFile, daemonJson);
    await startDockerd({ netns: name, dir: paths.dir, flags: flags?.(paths) ?? [] });
    await importImage(paths);
  } catch (error) {
    await endTestDockerd(dockerd);
    throw error;
  }
  return dockerd;
}

function testDockerd(namespace: string, paths: DockerdPaths): TestDockerd {
  const stateDir = join(paths.dir, 'state');
  const subnetFile = join(paths.dir, 'subnet.env');
  const docker = async (...args: string[]) => (await execa('docker', ['-H', `unix://${paths.socket}`, ...args])).stdout;
  const command = (...args: string[]) => {
    const folders = ['--state-dir', stateDir, '--run-dir', join(paths.dir, 'run')];
    const file = ['apply', 'status', 'network'].includes(args[0] ?? '') ? ['--subnet-file', subnetFile] : [];
    const program = join(packageRoot(), 'bin/tsflannel');
    return ['ip', 'netns', 'exec', namespace, program, 'docker', ...args, ...folders, ...file];
  };
  const pid = async () => {
    const found = await dockerdPid(paths);
    assert.ok(found, 'no dockerd runs');
    return found;
  };
  return {
    ...{ namespace, paths, stateDir, subnetFile, docker, command, pid },
    argv: async () =>
      readFileSync(`/proc/${await pid()}/cmdline`, 'utf8')
        .split('\0')
        .join(' '),
    daemonJson: () => readFileSync(paths.configFile, 'utf8'),
    async lease(subnet) {
      const network = subnet.replace(/\.\d+\.\d+\/.*$/, '.0.0/16');
      const text = `FLANNEL_NETWORK=${network}\nFLANNEL_SUBNET=${subnet}\nFLANNEL_MTU=${MTU}\nFLANNEL_IPMASQ=true\n`;
      await writeFile(subnetFile, text);
    },
    async tsflannel(...args) {
      const [program, ...rest] = command(...args, '--json');
      const { exitCode, stdout, stderr } = await execa(program!, rest, { reject: false, stdin: 'ignore' });
      if (exitCode !== undefined) holdToSchema([program!, ...rest], stdout);
      return { exitCode, stdout, stderr };
    },
    async container(name, ...options) {
      const sleeps = ['--name', name, '--stop-signal', 'KILL', LAB_IMAGE, '/bin/busybox', 'sleep', '100000'];
      await docker('run', '-d', ...options, ...sleeps);
    },
    addressOf: (name) => docker('inspect', '--format', '{{.NetworkSettings.IPAddress}}', name),
    async docker0() {
      const { stdout } = await execa('ip', ['-n', namespace, '-j', '-4', 'addr', 'show', 'docker0']);
      const [link] = JSON.parse(stdout) as { addr_info: { local: string; prefixlen: number }[] }[];
      return link?.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`) ?? [];
    },
    async shows() {
      const { processes: _, ...shown } = await snapshot({ namespace, dirs: [paths.configFile, stateDir] });
      // The ends of the containers' cables are new at each start of one.
      const lasting = (lines: readonly string[]) => lines.filter((line) => !line.includes('veth'));
      return Object.fromEntries(Object.entries(shown).map(([section, lines]) => [section, lasting(lines)]));
    },
  };
}

/** Ends it and removes everything of it. */
export async function endTestDockerd({ namespace, paths }: TestDockerd): Promise<void> {
  await stopDockerd(paths.dir);
  await execa('ip', ['netns', 'del', namespace], { reject: false });
  await rm(paths.dir, { recursive: true, force: true });
}

/** What the machine shows of dockerds with names of this pattern: processes, mounts, namespaces, control groups. */
const machine = (mine: RegExp): Promise<Snapshot> => snapshot({ mine });

/** Registers hooks around a describe block: one dockerd for its tests, nothing left of it after them. */
export function useDockerd(wish: DockerdWish): TestDockerd {
  const mine = new RegExp(`\\b${wish.name}\\b`);
  const holder: { dockerd?: TestDockerd; before?: Snapshot } = {};
  before(async function () {
    this.timeout(240_000);
    holder.before = await machine(mine);
    holder.dockerd = await startTestDockerd(wish);
  });
  after(async function () {
    this.timeout(240_000);
    if (holder.dockerd) await endTestDockerd(holder.dockerd);
    await leftNothing(holder.before ?? {}, () => machine(mine), 'the dockerd left something');
  });
  return new Proxy({} as TestDockerd, {
    get: (_, name) => {
      assert.ok(holder.dockerd, 'dockerd is not up');
      return holder.dockerd[name as keyof TestDockerd];
    },
  });
}
