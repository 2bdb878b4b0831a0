/** docker apply and revert on dockerds that are run in other ways: with flags, with live-restore, from a folder and environment of their own. */
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestDockerd, useDockerd } from '../../support/dockerd.ts';
import { difference, type Snapshot } from '../../support/leaks.ts';
import { openTerminal } from '../../support/pty.ts';

const errorOf = (stdout: string): string => JSON.parse(stdout).error.code;

/** What a restart must keep besides the command line. */
async function circumstances(dockerd: TestDockerd): Promise<unknown> {
  const pid = await dockerd.pid();
  const links = ['cwd', 'exe', 'fd/0', 'fd/1', 'fd/2', 'ns/mnt', 'ns/net'];
  return {
    ...Object.fromEntries(links.map((name) => [name, readlinkSync(`/proc/${pid}/${name}`)])),
    environ: readFileSync(`/proc/${pid}/environ`, 'utf8'),
  };
}

describe('docker apply: options given as flags', function () {
  this.timeout(300_000);
  const dockerd = useDockerd({
    name: 'dock-flags',
    flags: () => ['--bip', '172.17.5.1/24', '--mtu=1400', '--ip-masq=true', '--label', 'rack=7'],
  });
  let first: Snapshot;
  let argv: string;
  let around: unknown;

  before(async () => {
    await dockerd.lease('172.17.57.1/24');
    [first, argv, around] = [await dockerd.shows(), await dockerd.argv(), await circumstances(dockerd)];
  });

  it('rewrites the flags and keeps folder, environment, log files and namespaces', async () => {
    const { exitCode, stdout, stderr } = await dockerd.tsflannel('apply', '--yes');
    assert.equal(exitCode, 0, stdout + stderr);
    const expected = argv
      .replace('--bip 172.17.5.1/24', '--bip=172.17.57.1/24')
      .replace('--mtu=1400', '--mtu=1450')
      .replace('--ip-masq=true', '--ip-masq=false');
    assert.equal(await dockerd.argv(), expected);
    assert.deepEqual(await circumstances(dockerd), around);
    assert.deepEqual(await dockerd.docker0(), ['172.17.57.1/24']);
    assert.equal(dockerd.daemonJson(), '{}\n');
  });

  it('changes nothing the second time', async () => {
    const pid = await dockerd.pid();
    assert.equal(JSON.parse((await dockerd.tsflannel('apply')).stdout).changed, false);
    assert.equal(await dockerd.pid(), pid);
  });

  it('revert gives the flags and docker0 back', async () => {
    const { exitCode, stdout } = await dockerd.tsflannel('revert', '--yes');
    assert.equal(exitCode, 0, stdout);
    assert.equal(await dockerd.argv(), argv);
    const state = new RegExp(`files: . ${dockerd.stateDir} 755 0:0 /$`);
    assert.equal(difference(first, await dockerd.shows(), [state]), '');
    assert.deepEqual(await circumstances(dockerd), around);
  });

  it('an option that is in both places stays in the file: dockerd would not start with both', async () => {
    await writeFile(dockerd.paths.configFile, '{"mtu": 1300}\n');
    const applied = await dockerd.tsflannel('apply', '--yes');
    assert.equal(applied.exitCode, 0, applied.stdout);
    assert.doesNotMatch(await dockerd.argv(), /--mtu/);
    assert.equal(JSON.parse(dockerd.daemonJson()).mtu, 1450);
    const reverted = await dockerd.tsflannel('revert', '--yes');
    assert.equal(reverted.exitCode, 0, reverted.stdout);
    assert.equal(dockerd.daemonJson(), '{"mtu": 1300}\n');
    assert.equal(await dockerd.argv(), argv.replace(' --mtu=1400', ''));
  });
});

describe('docker apply: live-restore', function () {
  this.timeout(300_000);
  const dockerd = useDockerd({ name: 'dock-live', daemonJson: '{"live-restore": true}' });

  before(async () => {
    await dockerd.container('web');
    await dockerd.lease('172.17.57.1/24');
  });

  for (const flags of [['--yes'], ['--dry-run']])
    it(`refuses while containers run, since Docker would ignore the subnet (${flags})`, async () => {
      const pid = await dockerd.pid();
      const { exitCode, stdout } = await dockerd.tsflannel('apply', ...flags);
      assert.equal(errorOf(stdout), 'DOCKER_LIVE_RESTORE');
      assert.match(stdout, /web/);
      assert.equal(exitCode, 6);
      assert.equal(await dockerd.pid(), pid);
      assert.deepEqual(await dockerd.docker0(), ['172.17.0.1/16']);
    });

  it('on a terminal it offers to stop them, and takes no for an answer', async () => {
    const { CI: _, ...env } = process.env;
    const terminal = openTerminal(dockerd.command('apply'), { env });
    await terminal.shows(/Stop web in this order/);
    terminal.type('n\r');
    assert.equal(await terminal.ended(), 6);
    assert.equal(await dockerd.docker('inspect', '--format', '{{.State.Running}}', 'web'), 'true');
  });

  it('--stop-containers stops them first and starts them again after', async () => {
    const { exitCode, stdout } = await dockerd.tsflannel('apply', '--yes', '--stop-containers');
    assert.equal(exitCode, 0, stdout);
    assert.deepEqual(await dockerd.docker0(), ['172.17.57.1/24']);
    assert.match(await dockerd.addressOf('web'), /^172\.17\.57\./);
    assert.equal(await dockerd.docker('inspect', '--format', '{{.State.Running}}', 'web'), 'true');
  });

  it('revert asks for the same, and gives docker0 back', async () => {
    assert.equal(errorOf((await dockerd.tsflannel('revert', '--yes')).stdout), 'DOCKER_LIVE_RESTORE');
    const { exitCode, stdout } = await dockerd.tsflannel('revert', '--yes', '--stop-containers');
    assert.equal(exitCode, 0, stdout);
    assert.deepEqual(await dockerd.docker0(), ['172.17.0.1/16']);
    assert.equal(dockerd.daemonJson(), '{"live-restore": true}');
    assert.match(await dockerd.addressOf('web'), /^172\.17\.0\./);
  });
});

describe('docker apply: one daemon.json for two dockerds', function () {
  this.timeout(300_000);
  const shared = join('/tmp', `dock-shared-${process.pid}.json`);
  before(() => writeFile(shared, '{}'));
  after(() => rm(shared));
  const flags = () => [`--config-file=${shared}`];
  const one = useDockerd({ name: 'dock-one', flags });
  useDockerd({ name: 'dock-two', flags });

  it('is refused: the other would take over this subnet at its next start', async () => {
    await one.lease('172.17.57.1/24');
    const { exitCode, stdout } = await one.tsflannel('apply', '--yes');
    assert.equal(exitCode, 1);
    assert.match(JSON.parse(stdout).error.why, /another network namespace/);
    assert.equal(readFileSync(shared, 'utf8'), '{}');
  });
});
