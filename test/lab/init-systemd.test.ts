/** init --systemd where a real systemd is process 1, in namespaces of the test. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../src/root.ts';
import { removeControlGroups } from '../support/control-groups.ts';
import { difference, type Snapshot, snapshot } from '../support/leaks.ts';
import { until } from '../support/until.ts';

const NAME = 'join-systemd';
const TARGETS = ['test', 'basic', 'sysinit', 'sockets', 'shutdown', 'multi-user', 'network-online', 'timers'];

describe('tsflannel init --systemd', function () {
  this.timeout(240_000);
  let dir: string;
  let init: ChildProcess;
  let pid: string;
  let untouched: Snapshot;
  const inside = (...argv: string[]) => execa('nsenter', ['-t', pid, '-a', '--', ...argv], { reject: false });
  const tsflannel = async (...argv: string[]) => {
    const folders = ['--data-dir', join(dir, 'etcd'), '--run-dir', join(dir, 'run'), '--config-dir', join(dir, 'etc')];
    return inside(join(packageRoot(), 'bin/tsflannel'), ...argv, ...folders, '--json');
  };
  const shows = async (what: string) => (await inside('systemctl', what, 'tsflannel-etcd.service')).stdout;
  const main = async () =>
    (await inside('systemctl', 'show', 'tsflannel-etcd', '--property=MainPID', '--value')).stdout;
  const unit = () => join(dir, 'etc-systemd/system/tsflannel-etcd.service');
  const healthy = async () =>
    (await inside(join(packageRoot(), 'bin/tsflannel'), 'etcd', 'status', '--config-dir', join(dir, 'etc')))
      .exitCode === 0;

  before(async function () {
    // A second systemd may only grow control groups on a machine that has none, in a hierarchy of its own kind (version 1).
    if (!existsSync('/sys/fs/cgroup/systemd') || readFileSync('/proc/1/comm', 'utf8') === 'systemd\n') this.skip();
    untouched = await snapshot({ mine: new RegExp(NAME) });
    dir = await mkdtemp(join(tmpdir(), `${NAME}-`));
    for (const folder of ['units', 'default', 'log', 'etc-docker', 'etc-systemd', 'etc-systemd/system'])
      await mkdir(join(dir, folder));
    for (const name of TARGETS)
      await writeFile(join(dir, `units/${name}.target`), '[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\n');
    const accounting = ['CPU', 'BlockIO', 'Memory', 'Tasks'].map((what) => `Default${what}Accounting=no\n`);
    await writeFile(join(dir, 'etc-systemd/system.conf'), `[Manager]\n${accounting.join('')}`);
    const program = join(packageRoot(), 'test/support/boot-systemd.ts');
    init = spawn(process.execPath, [program, 'enter', dir, NAME], { stdio: ['ignore', 'ignore', 'inherit'] });
    await until('systemd runs', async () => {
      pid = (await execa('pgrep', ['-P', String(init.pid)], { reject: false })).stdout;
      return pid !== '' && (await inside('systemctl', 'is-system-running')).stdout === 'running';
    });
    await inside('ip', 'address', 'add', '10.78.0.1/32', 'dev', 'lo');
  });

  after(async () => {
    if (!init) return;
    if (init.exitCode === null && init.kill('SIGKILL')) await once(init, 'exit');
    await removeControlGroups(NAME);
    await rm(dir, { recursive: true });
    await until('all is gone', async () => difference(untouched, await snapshot({ mine: new RegExp(NAME) })) === '');
  });

  it('writes the unit, enables and starts it; the member is healthy', async () => {
    const ran = await tsflannel('init', '--yes', '--systemd', '--name', 'a', '--advertise-ip', '10.78.0.1');
    assert.equal(ran.exitCode, 0, `${ran.stdout}${ran.stderr}`);
    assert.deepEqual([await shows('is-active'), await shows('is-enabled')], ['active', 'enabled']);
    assert.match(readFileSync(unit(), 'utf8'), /^# Written by tsflannel/);
    assert.ok(await healthy());
    assert.equal(JSON.parse((await tsflannel('init', '--systemd')).stdout).changed, false);
  });

  it('systemd starts the supervisor again when it is killed', async () => {
    const before = await main();
    await inside('kill', '-9', before);
    await until('another one runs', async () => !['0', before].includes(await main()) && (await healthy()));
  });

  it('service install has systemd run the node, sandboxed as it is; uninstall takes that back', async () => {
    await inside('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0');
    for (const name of ['eth0', 'peer0']) await inside('ip', 'link', 'set', name, 'up');
    await inside('ip', 'address', 'add', '10.79.0.1/24', 'dev', 'eth0');
    const program = join(packageRoot(), 'bin/tsflannel');
    const config = ['--config-dir', join(dir, 'etc')];
    const set = await inside(program, 'config', 'set', ...config, '--network', '172.20.0.0/16', '--backend', 'udp');
    assert.equal(set.exitCode, 0, set.stderr);
    const up = ['--ip-masq', '--iface', 'eth0', '--state-dir', join(dir, 'state'), ...config];
    const ran = await inside(program, 'service', 'install', '--', ...up);
    assert.equal(ran.exitCode, 0, ran.stderr);
    // Type=notify: systemctl start has come back once the node was ready.
    const status = await inside(program, 'service', 'status');
    assert.equal(status.exitCode, 0, status.stdout);
    assert.match(status.stdout, /enabled, active/);
    assert.equal((await inside('systemctl', 'reload', 'tsflannel')).exitCode, 0);
    const show = async () =>
      (await inside('systemctl', 'show', '--property=ActiveState,StatusText,WatchdogUSec', 'tsflannel')).stdout;
    await until('the reload is over', async () => /^ActiveState=active$/m.test(await show()));
    await until('its subnet', async () => /^StatusText=leases 172\.20\.\d+\.0\/24$/m.test(await show()));
    assert.match(await show(), /^WatchdogUSec=1min$/m);
    let seen = '';
    await until('all is well', async () => {
      seen = (await inside(program, 'status', '--json', ...config)).stdout;
      return (JSON.parse(seen) as { state: string }).state === 'ok';
    }).catch((error: Error) => assert.fail(`${error.message}: ${seen}`));
    const { checks } = JSON.parse(seen) as { checks: { state: string }[] };
    assert.deepEqual(
      checks.filter(({ state }) => state !== 'ok'),
      [],
    );
    assert.match((await inside('iptables-save')).stdout, /TSFLANNEL-POSTRTG.*MASQUERADE/);
    assert.equal((await inside('cat', '/proc/sys/net/ipv4/ip_forward')).stdout, '1');
    const gone = await inside(program, 'service', 'uninstall');
    assert.equal(gone.exitCode, 0, gone.stderr);
    assert.equal((await inside(program, 'service', 'status')).exitCode, 9);
    await inside(program, 'down', '--purge', '--state-dir', join(dir, 'state'), ...config);
  });

  it('a timer takes snapshots, one at once, until it is told to end', async () => {
    const backups = join(dir, 'backups');
    const schedule = ['etcd', 'snapshot', 'schedule', '--dir', backups, '--keep', '2'];
    const timer = 'tsflannel-etcd-snapshot.timer';
    const ran = await tsflannel(...schedule);
    assert.equal(ran.exitCode, 0, ran.stdout);
    assert.equal(JSON.parse(ran.stdout).schedule.runner, 'systemd');
    const taken = () => (existsSync(backups) ? readdirSync(backups) : []);
    await until('the timer has taken one', () => taken().filter((name) => name.endsWith('Z.db')).length === 1);
    assert.equal((await inside('systemctl', 'is-enabled', timer)).stdout, 'enabled');
    assert.equal(JSON.parse((await tsflannel(...schedule)).stdout).changed, false);
    const service = await inside('systemctl', 'start', 'tsflannel-etcd-snapshot.service');
    assert.deepEqual([service.exitCode, service.stderr], [0, '']);
    assert.equal(taken().length, 2);
    const off = await tsflannel('etcd', 'snapshot', 'schedule', '--off');
    assert.equal(JSON.parse(off.stdout).changed, true, off.stdout);
    assert.notEqual((await inside('systemctl', 'is-active', timer)).stdout, 'active');
    assert.deepEqual(
      readdirSync(join(dir, 'etc-systemd/system')).filter((name) => /snapshot/.test(name)),
      [],
    );
  });

  it('etcd stop stops the unit, init starts it, and purge takes the unit away', async () => {
    assert.equal(JSON.parse((await tsflannel('etcd', 'stop')).stdout).stopped, true);
    assert.equal(await shows('is-active'), 'inactive');
    assert.equal((await tsflannel('init')).exitCode, 0);
    assert.equal(await shows('is-active'), 'active');
    assert.equal((await tsflannel('etcd', 'stop', '--purge', '--yes')).exitCode, 0);
    assert.ok(!existsSync(unit()));
    assert.deepEqual(
      readdirSync(join(dir, 'etc-systemd/system')).filter((name) => /tsflannel/.test(name)),
      [],
    );
    assert.notEqual((await inside('pgrep', '-x', 'etcd')).exitCode, 0);
  });

  it('leaves a unit of that name alone that somebody else wrote', async () => {
    await writeFile(unit(), '[Service]\nExecStart=/bin/true\n');
    const ran = await tsflannel('init', '--yes', '--systemd', '--advertise-ip', '10.78.0.1');
    assert.equal(JSON.parse(ran.stdout).error.code, 'SYSTEMD');
    assert.equal(readFileSync(unit(), 'utf8'), '[Service]\nExecStart=/bin/true\n');
  });
});
