/** Hosts whose Docker runs containers: onto the overlay and back by the README's own commands, and by `up --docker`; and through a reboot. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { dockerdPaths, dockerdPid, LAB_IMAGE, startDockerd, stopDockerd } from '../../../src/lab/dockerd.ts';
import { bootstrap } from '../../../src/lab/index.ts';
import { dockerDirOf } from '../../../src/lab/node.ts';
import type { DockerReport } from '../../../src/model/report.ts';
import { packageRoot } from '../../../src/root.ts';
import { slowBefore } from '../../support/hooks.ts';
import { runContainer, runOn, type TestLab, useLab } from '../../support/lab.ts';
import { daemonLog, killDaemon, statusOf, upAgain } from '../../support/lab-daemon.ts';
import { commandsOnly, leftNothing, type Snapshot, snapshot } from '../../support/leaks.ts';
import { until } from '../../support/until.ts';

/** The commands of the README's section about Docker: those of the way there, and of the way back. */
function readmeCommands(): string[][][] {
  const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');
  const section = readme.split(/^### A host with a running Docker, there and back$/m)[1]?.split(/^#/m)[0] ?? '';
  const blocks = section.split(/\n(?! {4})/).map((block) => block.match(/^ {4}tsflannel .*$/gm) ?? []);
  return blocks.filter((lines) => lines.length > 0).map((lines) => lines.map((line) => line.trim().split(' ')));
}

const pathsOf = (test: TestLab, number: number) => dockerdPaths(dockerDirOf(test.node(number)));

async function showsOf(test: TestLab, number: number): Promise<Snapshot> {
  const { namespace, dir } = test.node(number);
  const dirs = ['etc', 'state', 'run', 'docker/daemon.json'].map((name) => join(dir, name));
  const shown = commandsOnly(await snapshot({ namespace, dirs }));
  // The ends of the containers' cables are new at each start of one.
  return Object.fromEntries(Object.entries(shown).map(([name, lines]) => [name, lines.filter((l) => !/veth/.test(l))]));
}

/** docker0's IPv4 address with its length. */
const docker0Of = async (test: TestLab, number: number): Promise<string> =>
  /inet (\S+)/.exec((await test.run(number, 'ip', '-4', '-o', 'addr', 'show', 'docker0')).stdout)?.[1] ?? '';

async function addressOf(test: TestLab, number: number, name: string): Promise<string> {
  const format = '{{.NetworkSettings.IPAddress}}';
  return (await test.run(number, 'docker', 'inspect', '--format', format, name)).stdout;
}

/** Waits until the first host's container has an answer of this address: its peer may have been new a moment ago. */
const reaches = (test: TestLab, address: string): Promise<void> =>
  until(`${address} answers`, async () => {
    const ping = ['docker', 'exec', 'web', '/bin/busybox', 'ping', '-c', '1', '-W', '5', address];
    return (await runOn(test.lab, test.node(1), ping)).exit === 0;
  });

const configure = async (test: TestLab): Promise<void> => {
  await bootstrap(test.lab);
  await test.run(1, 'tsflannel', 'config', 'set', '--network', '172.17.0.0/16', '--backend', 'vxlan');
};

describe("Docker's containers, by the README", function () {
  this.timeout(1_200_000);
  const test = useLab({ name: 'lab-readme', docker: true, bare: true });
  const [there = [], back = []] = readmeCommands();
  let before: Snapshot[] = [];

  slowBefore(300_000, async () => {
    await configure(test);
    for (const number of [1, 2]) await runContainer(test.lab, test.node(number), 'web');
    before = await Promise.all([1, 2].map((number) => showsOf(test, number)));
  });

  it('there: containers of both hosts reach each other', async () => {
    assert.ok(there.length > 2 && back.length > 1, 'the README has no such blocks');
    for (const number of [1, 2]) for (const command of there) await test.run(number, ...command);
    const address = await addressOf(test, 2, 'web');
    assert.match(address, /^172\.17\.\d+\.\d+$/);
    await reaches(test, address);
  });

  it('through a reboot: docker0 and all of /run are gone, up and Docker start in any order', async () => {
    const [node, paths] = [test.node(2), pathsOf(test, 2)];
    const [subnet, flags] = [
      await docker0Of(test, 2),
      (await argvOf(paths)).filter((word) => /^(--cgr|--exec-opt|nat|\/tsf)/.test(word)),
    ];
    await killDaemon(node);
    await stopDockerd(paths.dir);
    for (const device of ['docker0', 'flannel.1']) await test.run(2, 'ip', 'link', 'del', device);
    for (const path of [join(node.dir, 'run'), paths.execRoot]) await rm(path, { recursive: true });
    await mkdir(join(node.dir, 'run'));
    await startDockerd({ netns: node.namespace, dir: paths.dir, flags });
    await upAgain(test, 2);
    assert.equal(await docker0Of(test, 2), subnet);
    const { stdout } = await test.run(2, 'tsflannel', 'docker', 'apply', '--json');
    assert.equal(JSON.parse(stdout).changed, false);
    await test.run(2, 'docker', 'start', 'web');
    const address = await addressOf(test, 2, 'web');
    await reaches(test, address);
    await test.run(2, 'tsflannel', 'docker', 'status');
  });

  it('a network of its own in the lease is reached from the other host', async () => {
    await test.run(2, 'tsflannel', 'docker', 'apply', '--docker0-length', '25', '--yes');
    await test.run(2, 'tsflannel', 'docker', 'network', 'create', 'own');
    const sleep = ['--network', 'own', '--stop-signal', 'KILL', LAB_IMAGE, '/bin/busybox', 'sleep', '1000000'];
    await test.run(2, 'docker', 'run', '-d', '--name', 'on-own', ...sleep);
    const format = '{{.NetworkSettings.Networks.own.IPAddress}}';
    const { stdout: address } = await test.run(2, 'docker', 'inspect', '--format', format, 'on-own');
    await reaches(test, address);
    await test.run(2, 'docker', 'rm', '-f', 'on-own');
    await test.run(2, 'tsflannel', 'docker', 'network', 'remove', 'own');
  });

  it('and back: everything as it was, the containers running', async () => {
    for (const number of [1, 2]) for (const command of back) await test.run(number, ...command);
    for (const number of [1, 2]) {
      // The bridge of the host that was rebooted is a new one, with a MAC of its own.
      const except = [
        /state\/node\.json/,
        ...(number === 2 ? [/"ifname":"docker0".*"mtu":1500/, /^fdb: .*docker0/] : []),
      ];
      await leftNothing(before[number - 1] ?? {}, () => showsOf(test, number), `n${number}`, except);
      assert.match(await addressOf(test, number, 'web'), /^172\.17\.0\./);
    }
  });
});

/** dockerd's own command line. */
async function argvOf(paths: ReturnType<typeof dockerdPaths>): Promise<string[]> {
  return readFileSync(`/proc/${await dockerdPid(paths)}/cmdline`, 'utf8').split('\0');
}

describe('up --docker', function () {
  this.timeout(1_200_000);
  const test = useLab({ name: 'lab-updocker', size: 1, docker: true, bare: true });
  const state = async () => (await statusOf(test, 1)).checks.find(({ name }) => name === 'docker');
  const isOk = (what: string) => until(what, async () => (await state())?.state === 'ok', 250_000);
  const status = async (): Promise<DockerReport> =>
    JSON.parse((await test.run(1, 'tsflannel', 'docker', 'status', '--json')).stdout);

  /** The first of these that is not the node's is its subnet from now on. */
  async function moveTo(wishes: readonly string[]): Promise<void> {
    const before = (await statusOf(test, 1)).node?.subnet ?? '';
    const wished = wishes.map((wish) => `${wish}.0/24`).find((wish) => wish !== before) ?? '';
    const leases = (...argv: string[]) => test.run(1, 'tsflannel', 'leases', ...argv);
    await leases('release', before, '--yes');
    await until('the lease again', async () => JSON.parse((await leases('--json')).stdout).leases.length === 1);
    await leases('reserve', wished, '--node', 'n1');
    await killDaemon(test.node(1));
    assert.equal((await upAgain(test, 1, '--docker')).subnet, wished);
  }

  slowBefore(300_000, async () => {
    await configure(test);
    await runContainer(test.lab, test.node(1), 'web');
  });

  it('gives Docker the first lease, containers and all', async () => {
    const { subnet } = await upAgain(test, 1, '--docker');
    await isOk('Docker on the lease');
    assert.equal(await docker0Of(test, 1), subnet.replace('.0/', '.1/'));
    assert.equal((await status()).state, 'ok');
    assert.match(await addressOf(test, 1, 'web'), new RegExp(`^${subnet.replace('.0/24', '.')}`));
  });

  it('does not touch a Docker that has it, when the daemon starts again', async () => {
    const pid = await dockerdPid(pathsOf(test, 1));
    await killDaemon(test.node(1));
    await upAgain(test, 1, '--docker');
    await isOk('Docker found on the lease');
    assert.equal(await dockerdPid(pathsOf(test, 1)), pid);
    assert.doesNotMatch(daemonLog(test.node(1)).split('ready').at(-1) ?? '', /docker-switched/);
  });

  it('follows another subnet', async () => {
    await moveTo(['172.17.200', '172.17.201']);
    await isOk('Docker on the other subnet');
    assert.match(await docker0Of(test, 1), /^172\.17\.20[01]\.1\/24$/);
  });

  it('says in status when Docker cannot be switched, and when somebody has put it right', async () => {
    const pid = await dockerdPid(pathsOf(test, 1));
    await test.run(1, 'chattr', '+i', pathsOf(test, 1).configFile);
    try {
      await moveTo(['172.17.210']);
      await until('what is wrong', async () => /daemon\.json/.test((await state())?.detail ?? ''), 250_000);
      assert.equal((await statusOf(test, 1)).state, 'degraded');
      assert.equal(await dockerdPid(pathsOf(test, 1)), pid);
    } finally {
      await test.run(1, 'chattr', '-i', pathsOf(test, 1).configFile);
    }
    await test.run(1, 'tsflannel', 'docker', 'apply', '--yes');
    await isOk('Docker put right by hand');
  });
});
