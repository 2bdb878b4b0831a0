/** docker apply and revert where a real systemd is process 1: Debian's docker.service and docker.socket in namespaces of the test. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { stopDockerd } from '../../../src/lab/dockerd.ts';
import { packageRoot } from '../../../src/root.ts';
import { hierarchies, removeControlGroups } from '../../support/control-groups.ts';
import { dockerInside } from '../../support/docker-init.ts';
import { difference, type Snapshot, snapshot } from '../../support/leaks.ts';
import { until } from '../../support/until.ts';

const NAME = 'dock-systemd';
const UNITS = '/lib/systemd/system';
/** Targets that Debian's units name; empty ones will do. */
const TARGETS = ['test', 'basic', 'sysinit', 'sockets', 'shutdown', 'multi-user', 'network-online'];
/** What must be left as it was; the folder of the hierarchies too, which any systemd thinks is its own. */
const machine = async (): Promise<Snapshot> => ({
  ...(await snapshot({ mine: new RegExp(NAME) })),
  hierarchies: hierarchies(),
  folder: readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(' /sys/fs/cgroup ')),
});

/** Debian's units without what this systemd has not: containerd.service, raised limits, the group docker. */
async function writeUnits(dir: string): Promise<void> {
  for (const name of TARGETS)
    await writeFile(join(dir, `units/${name}.target`), '[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\n');
  const service = readFileSync(join(UNITS, 'docker.service'), 'utf8')
    .replace(/^(Limit|TasksMax|After|Wants).*\n/gm, '')
    .replace(/--containerd=\S+ /, '');
  await writeFile(join(dir, 'units/docker.service'), service);
  const socket = readFileSync(join(UNITS, 'docker.socket'), 'utf8').replace('SocketGroup=docker', 'SocketGroup=root');
  await writeFile(join(dir, 'units/docker.socket'), socket);
  for (const name of ['dbus.socket', 'dbus.service']) await cp(join(UNITS, name), join(dir, 'units', name));
  const accounting = ['CPU', 'BlockIO', 'Memory', 'Tasks'].map((what) => `Default${what}Accounting=no\n`);
  await writeFile(join(dir, 'etc-systemd/system.conf'), `[Manager]\n${accounting.join('')}`);
}

describe('docker apply: systemd', function () {
  this.timeout(300_000);
  let dir: string;
  let init: ChildProcess;
  let pid: string;
  let untouched: Snapshot;

  const { inside, must, tsflannel, docker0 } = dockerInside(
    ['-a'],
    () => pid,
    () => dir,
  );
  const lease = (subnet: string) =>
    writeFile(
      join(dir, 'subnet.env'),
      `FLANNEL_NETWORK=${subnet.replace(/\.\d+\.1\/24/, '.0.0/16')}\nFLANNEL_SUBNET=${subnet}\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n`,
    );
  const active = () => must('systemctl', 'is-active', 'docker.service', 'docker.socket');
  /** What revert has to give back. */
  const shows = async () => ({
    docker0: await docker0(),
    files: ['default', 'etc-docker', 'etc-systemd']
      .flatMap((folder) => globSync(join(dir, folder, '**')))
      .filter((path) => !path.endsWith('key.json'))
      .map((path) => (statSync(path).isFile() ? `${path}: ${readFileSync(path, 'utf8')}` : path)),
    environment: await must('systemctl', 'show', 'docker.service', '--property=EnvironmentFiles'),
    argv: await argv(),
  });
  const argv = async () => {
    const main = await must('systemctl', 'show', 'docker.service', '--property=MainPID', '--value');
    return must('cat', `/proc/${main}/cmdline`);
  };

  before(async function () {
    // A second systemd may only grow control groups on a machine that has none, in a hierarchy of its own kind (version 1).
    if (!existsSync('/sys/fs/cgroup/systemd') || readFileSync('/proc/1/comm', 'utf8') === 'systemd\n') this.skip();
    untouched = await machine();
    dir = await mkdtemp(join(tmpdir(), `${NAME}-`));
    for (const folder of ['units', 'default', 'log', 'etc-docker', 'etc-systemd', 'etc-systemd/system'])
      await mkdir(join(dir, folder));
    await writeUnits(dir);
    await writeFile(join(dir, 'default/docker'), `DOCKER_OPTS="--data-root=${dir}/data --exec-root=${dir}/exec"\n`);
    await lease('172.17.57.1/24');
    const program = join(packageRoot(), 'test/support/boot-systemd.ts');
    init = spawn(process.execPath, [program, 'enter', dir, NAME], { stdio: ['ignore', 'ignore', 'inherit'] });
    await until('systemd runs', async () => {
      pid = (await execa('pgrep', ['-P', String(init.pid)], { reject: false })).stdout;
      if (pid === '') return false;
      return (await inside('systemctl', 'is-system-running')).stdout === 'running';
    });
    await must('systemctl', 'start', 'docker.socket', 'docker.service');
  });

  after(async () => {
    if (!init) return;
    init.kill('SIGKILL');
    await once(init, 'exit');
    await stopDockerd(dir);
    await removeControlGroups(NAME);
    await rm(dir, { recursive: true });
    await until('all is gone', async () => difference(untouched, await machine()) === '');
  });

  it('through daemon.json, and back', async () => {
    const first = await shows();
    const applied = await tsflannel('apply', '--yes');
    assert.equal(applied.exitCode, 0, applied.stdout);
    assert.match(JSON.parse(applied.stdout).change, /restart: systemd unit docker\.service/);
    assert.deepEqual(await docker0(), ['172.17.57.1/24']);
    assert.equal(await active(), 'active\nactive');
    assert.equal(JSON.parse((await tsflannel('apply')).stdout).changed, false);
    const reverted = await tsflannel('revert', '--yes');
    assert.equal(reverted.exitCode, 0, reverted.stdout);
    assert.deepEqual(await shows(), first);
    assert.equal(await active(), 'active\nactive');
  });

  it('through an env file that the unit reads, and back', async () => {
    const first = await shows();
    const how = ['--docker-env-file', '/etc/default/docker'];
    const applied = await tsflannel('apply', '--yes', ...how);
    assert.equal(applied.exitCode, 0, applied.stdout);
    assert.deepEqual(await docker0(), ['172.17.57.1/24']);
    assert.equal(JSON.parse((await tsflannel('apply', ...how)).stdout).changed, false);
    assert.equal((await tsflannel('revert', '--yes')).exitCode, 0);
    assert.deepEqual(await shows(), first);
  });

  it('through an env file of its own by a drop-in, where no options are lost, and back', async () => {
    const how = ['--docker-env-file', join(dir, 'own.env')];
    const lost = await tsflannel('apply', '--yes', ...how);
    assert.match(JSON.parse(lost.stdout).error.why, /DOCKER_OPTS comes from \/etc\/default\/docker already/);
    const deaf = await tsflannel('apply', '--yes', ...how, '--docker-env-key', 'NETWORK');
    assert.match(JSON.parse(deaf.stdout).error.why, /does not take \$NETWORK/);
    const unit = join(dir, 'units/docker.service');
    await writeFile(unit, readFileSync(unit, 'utf8').replace('$DOCKER_OPTS', '$DOCKER_OPTS $NETWORK'));
    await must('systemctl', 'daemon-reload');
    const first = await shows();
    const applied = await tsflannel('apply', '--yes', ...how, '--docker-env-key', 'NETWORK');
    assert.equal(applied.exitCode, 0, applied.stdout);
    assert.deepEqual(await docker0(), ['172.17.57.1/24']);
    assert.match((await shows()).files.join(), /docker\.service\.d\/60-tsflannel\.conf/);
    assert.equal((await tsflannel('revert', '--yes')).exitCode, 0);
    const { files, ...others } = await shows();
    assert.deepEqual(others, { docker0: first.docker0, environment: first.environment, argv: first.argv });
    assert.doesNotMatch(files.join(), /60-tsflannel/);
  });

  it('puts everything back when the unit fails to start', async () => {
    await lease('10.77.99.1/24');
    await must('docker', 'network', 'create', '--subnet', '10.77.0.0/16', 'foreign');
    const first = await shows();
    const { exitCode, stdout } = await tsflannel('apply', '--yes');
    assert.equal(exitCode, 1);
    assert.equal(JSON.parse(stdout).error.code, 'DOCKER_FAILED');
    assert.deepEqual(await shows(), first);
    assert.equal(await active(), 'active\nactive');
  });

  it('starts a unit that does not run', async () => {
    await lease('172.17.57.1/24');
    await must('docker', 'network', 'rm', 'foreign');
    await must('systemctl', 'stop', 'docker.socket', 'docker.service');
    const applied = await tsflannel('apply', '--yes');
    assert.equal(applied.exitCode, 0, applied.stdout);
    assert.deepEqual(await docker0(), ['172.17.57.1/24']);
    assert.equal(await active(), 'active\nactive');
  });
});
