/** docker apply and revert on a dockerd that Debian's init script runs, with its files in a mount namespace of the test. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dockerApi } from '../../../src/docker/api.ts';
import { stopDockerd } from '../../../src/lab/dockerd.ts';
import { hierarchies } from '../../support/control-groups.ts';
import { dockerInside } from '../../support/docker-init.ts';
import { difference, type Snapshot, snapshot } from '../../support/leaks.ts';
import { until } from '../../support/until.ts';

const NAME = 'dock-init';
/** The script raises limits, which not every test machine allows to root: a function of that name takes the builtin's place. */
const OPTIONS = '# Docker Upstart and SysVinit configuration file\nulimit() { :; }\n';

/** The script makes folders for the hierarchies of control groups. */
const shows = async (): Promise<Snapshot> => ({
  ...(await snapshot({ mine: new RegExp(NAME) })),
  hierarchies: hierarchies(),
});

describe("docker apply: Debian's init script", function () {
  this.timeout(300_000);
  let dir: string;
  let holder: number;
  let machine: Snapshot;

  const { inside, must, tsflannel, docker0 } = dockerInside(
    ['-m', '-n'],
    () => holder,
    () => dir,
  );
  const defaults = () => readFileSync(join(dir, 'default/docker'), 'utf8');
  const argv = async () => {
    const pid = (await must('cat', '/var/run/docker-ssd.pid')).trim();
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  };
  const serves = () => until('Docker serves', () => dockerApi(join(dir, 'docker.sock')).ping());

  before(async () => {
    machine = await shows();
    dir = await mkdtemp(join(tmpdir(), `${NAME}-`));
    const child = spawn('unshare', ['--mount', '--net', '--', 'sleep', 'infinity'], { stdio: 'ignore' });
    holder = child.pid!;
    await until('the namespaces are there', () =>
      readFileSync(`/proc/${holder}/cmdline`, 'utf8').startsWith('sleep\0'),
    );
    for (const folder of ['default', 'log', 'run', 'etc-docker']) await mkdir(join(dir, folder));
    // The script mounts what is missing there, in folders that it makes.
    await must('mount', '-t', 'tmpfs', 'tmpfs', '/sys/fs/cgroup');
    await must('mount', '--bind', join(dir, 'default'), '/etc/default');
    await must('mount', '--bind', join(dir, 'log'), '/var/log');
    await must('mount', '--bind', join(dir, 'run'), '/run');
    await must('mount', '--bind', join(dir, 'etc-docker'), '/etc/docker');
    await must('ip', 'link', 'set', 'lo', 'up');
    const places = `--data-root=${dir}/data --exec-root=${dir}/exec -H unix://${dir}/docker.sock`;
    await writeFile(join(dir, 'default/docker'), `${OPTIONS}DOCKER_OPTS="${places}"\n`);
    await writeFile(
      join(dir, 'subnet.env'),
      'FLANNEL_NETWORK=172.17.0.0/16\nFLANNEL_SUBNET=172.17.57.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
    );
    await must('/etc/init.d/docker', 'start');
    await serves();
  });

  after(async () => {
    await inside('/etc/init.d/docker', 'stop');
    await stopDockerd(dir);
    process.kill(holder, 'SIGKILL');
    await rm(dir, { recursive: true, force: true });
    await until('the namespaces are gone', async () => difference(machine, await shows()) === '');
  });

  it('through daemon.json, and back', async () => {
    const [before, options] = [await argv(), defaults()];
    const applied = await tsflannel('apply', '--yes');
    assert.equal(applied.exitCode, 0, applied.stdout);
    assert.match(JSON.parse(applied.stdout).change, /restart: init script/);
    assert.deepEqual(await docker0(), ['172.17.57.1/24']);
    assert.equal(JSON.parse(readFileSync(join(dir, 'etc-docker/daemon.json'), 'utf8')).bip, '172.17.57.1/24');
    assert.equal(JSON.parse((await tsflannel('apply')).stdout).changed, false);
    const reverted = await tsflannel('revert', '--yes');
    assert.equal(reverted.exitCode, 0, reverted.stdout);
    assert.deepEqual(await docker0(), ['172.17.0.1/16']);
    assert.throws(() => readFileSync(join(dir, 'etc-docker/daemon.json')), { code: 'ENOENT' });
    assert.deepEqual([await argv(), defaults()], [before, options]);
  });

  it('through its env file, and back', async () => {
    const [before, options] = [await argv(), defaults()];
    const how = ['--env-file', '/etc/default/docker', '--env-key', 'DOCKER_OPTS'];
    const applied = await tsflannel('apply', '--yes', ...how);
    assert.equal(applied.exitCode, 0, applied.stdout);
    assert.match(await argv(), / --bip=172\.17\.57\.1\/24 --ip-masq=false --mtu=1450$/);
    assert.ok(defaults().startsWith(OPTIONS));
    assert.deepEqual(await docker0(), ['172.17.57.1/24']);
    assert.equal(JSON.parse((await tsflannel('apply', ...how)).stdout).changed, false);
    // The env file is remembered: without it these flags would be refused.
    assert.equal(JSON.parse((await tsflannel('apply')).stdout).changed, false);
    const reverted = await tsflannel('revert', '--yes');
    assert.equal(reverted.exitCode, 0, reverted.stdout);
    assert.deepEqual(await docker0(), ['172.17.0.1/16']);
    assert.deepEqual([await argv(), defaults()], [before, options]);
  });
});
