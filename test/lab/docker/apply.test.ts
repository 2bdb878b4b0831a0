/** docker apply and revert on a real dockerd run as a plain process, a container on it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { useDockerd } from '../../support/dockerd.ts';
import { holdsItsSchemas } from '../../support/held.ts';
import { difference, type Snapshot } from '../../support/leaks.ts';
import { openTerminal } from '../../support/pty.ts';
import { until } from '../../support/until.ts';

const errorOf = (stdout: string): string => JSON.parse(stdout).error.code;

describe('docker apply', function () {
  this.timeout(300_000);
  const dockerd = useDockerd({
    name: 'dock-apply',
    daemonJson: '{\n\t"log-level": "info",\n\t"labels": ["rack=7"]\n}',
  });
  const neighbour = useDockerd({ name: 'dock-other' });
  let first: Snapshot;
  let argv: string;
  let other: number;

  before(async () => {
    await dockerd.container('web');
    await dockerd.container('gone', '--rm');
    await dockerd.docker('kill', 'gone');
    await dockerd.lease('172.17.57.1/24');
    first = await dockerd.shows();
    argv = await dockerd.argv();
    other = await neighbour.pid();
  });

  /** Runs something that must leave everything as it is, dockerd's process included. */
  async function untouched(work: () => Promise<unknown>): Promise<void> {
    const [shown, pid] = [await dockerd.shows(), await dockerd.pid()];
    await work();
    assert.equal(difference(shown, await dockerd.shows()), '');
    assert.equal(await dockerd.pid(), pid);
  }

  it('--dry-run prints the exact changes and makes none', () =>
    untouched(async () => {
      const { exitCode, stdout } = await dockerd.tsflannel('apply', '--dry-run');
      assert.equal(exitCode, 0);
      const { change, containers, dryRun } = JSON.parse(stdout);
      assert.equal(dryRun, true);
      assert.deepEqual(containers, ['web']);
      assert.match(change, /\+ \t"bip": "172\.17\.57\.1\/24",\n\+ \t"mtu": 1450,\n\+ \t"ip-masq": false\n/);
      assert.match(change, /docker0:\n- 172\.17\.0\.1\/16\n\+ 172\.17\.57\.1\/24\n/);
    }));

  it('without a terminal it needs --yes', () =>
    untouched(async () => {
      const { exitCode, stdout } = await dockerd.tsflannel('apply');
      assert.equal(exitCode, 2);
      assert.equal(errorOf(stdout), 'NEEDS_CONFIRMATION');
      assert.match(stdout, /web/);
    }));

  it('on a terminal it shows the change, asks, and takes no for an answer', () =>
    untouched(async () => {
      const { CI: _, ...env } = process.env;
      const terminal = openTerminal(dockerd.command('apply'), { env });
      await terminal.shows(/172\.17\.57\.1\/24/);
      await terminal.shows(/running containers \(web\)/);
      terminal.type('n\r');
      assert.equal(await terminal.ended(), 130);
    }));

  it('gives Docker the leased subnet: daemon.json merged, docker0 re-addressed, the container back with an address of it', async () => {
    const { exitCode, stdout, stderr } = await dockerd.tsflannel('apply', '--yes');
    assert.equal(exitCode, 0, stderr);
    assert.equal(JSON.parse(stdout).changed, true);
    assert.deepEqual(await dockerd.docker0(), ['172.17.57.1/24']);
    assert.deepEqual(JSON.parse(dockerd.daemonJson()), {
      'log-level': 'info',
      labels: ['rack=7'],
      bip: '172.17.57.1/24',
      mtu: 1450,
      'ip-masq': false,
    });
    assert.match(await dockerd.addressOf('web'), /^172\.17\.57\.\d+$/);
    assert.equal(await dockerd.argv(), argv);
    const link = (await execa('ip', ['-n', dockerd.namespace, 'link', 'show', 'docker0'])).stdout;
    assert.match(link, /mtu 1450/);
    const journal = join(dockerd.stateDir, 'docker-apply.json');
    assert.equal((await stat(journal)).mode & 0o777, 0o600);
  });

  it('the second run changes nothing', () =>
    untouched(async () => {
      const { exitCode, stdout } = await dockerd.tsflannel('apply');
      assert.equal(exitCode, 0);
      assert.equal(JSON.parse(stdout).changed, false);
    }));

  it('follows another subnet, on a terminal after a yes', async () => {
    await dockerd.lease('172.17.58.1/24');
    const { CI: _, ...env } = process.env;
    const terminal = openTerminal(dockerd.command('apply'), { env });
    await terminal.shows(/Go on\?/);
    terminal.type('y\r');
    assert.equal(await terminal.ended(), 0, terminal.screen());
    assert.match(terminal.screen(), /Docker has the leased subnet/);
    assert.deepEqual(await dockerd.docker0(), ['172.17.58.1/24']);
    assert.match(await dockerd.addressOf('web'), /^172\.17\.58\.\d+$/);
  });

  it('has another subnet to go to, in vain', () => dockerd.lease('10.77.99.1/24'));

  it('leaves everything when daemon.json cannot be written', () =>
    untouched(async () => {
      await execa('chattr', ['+i', dockerd.paths.configFile]);
      const { exitCode, stdout } = await dockerd.tsflannel('apply', '--yes');
      await execa('chattr', ['-i', dockerd.paths.configFile]);
      assert.equal(exitCode, 1);
      assert.equal(errorOf(stdout), 'DOCKER_FAILED');
    }));

  for (const [name, text] of [
    ['not JSON', '{"bip": '],
    ['of an option dockerd does not know', '{"no-such-option": true}'],
    ['of a wrong type', '{"max-concurrent-downloads": "many"}'],
    ['in conflict with a flag', '{"pidfile": "/x", "data-root": "/y"}'],
  ] as const)
    it(`tells a daemon.json ${name} before it touches dockerd`, async () => {
      const good = dockerd.daemonJson();
      await writeFile(dockerd.paths.configFile, text);
      await untouched(async () => {
        const { exitCode, stdout } = await dockerd.tsflannel('apply', '--yes');
        assert.equal(errorOf(stdout), 'DOCKER_CONFIG', stdout);
        assert.equal(exitCode, 1);
      });
      await writeFile(dockerd.paths.configFile, good);
    });

  it('puts everything back when the new dockerd does not start', async () => {
    await dockerd.docker('network', 'create', '--subnet', '10.77.0.0/16', 'foreign');
    const shown = await dockerd.shows();
    const { exitCode, stdout } = await dockerd.tsflannel('apply', '--yes');
    assert.equal(errorOf(stdout), 'DOCKER_FAILED', stdout);
    assert.equal(exitCode, 1);
    assert.match(stdout, /ended with status 1/);
    assert.equal(difference(shown, await dockerd.shows()), '');
    assert.equal(await dockerd.argv(), argv);
    assert.match(await dockerd.addressOf('web'), /^172\.17\.58\.\d+$/);
    await dockerd.docker('network', 'rm', 'foreign');
  });

  it('puts everything back on Ctrl-C', async () => {
    const shown = await dockerd.shows();
    const [program, ...args] = dockerd.command('apply', '--yes');
    const child = spawn(program!, args, { stdio: 'ignore' });
    await until('dockerd is being stopped', async () => !dockerd.daemonJson().includes('172.17.58.1/24'));
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    assert.equal(code, 130);
    assert.equal(difference(shown, await dockerd.shows()), '');
    assert.equal(await dockerd.docker('inspect', '--format', '{{.State.Running}}', 'web'), 'true');
  });

  it('revert would keep what others wrote to daemon.json since', async () => {
    const written = dockerd.daemonJson();
    await writeFile(dockerd.paths.configFile, JSON.stringify({ ...JSON.parse(written), debug: false }));
    await untouched(async () => {
      const { exitCode, stdout } = await dockerd.tsflannel('revert', '--dry-run');
      assert.equal(exitCode, 0);
      const { change } = JSON.parse(stdout);
      assert.match(change, /\+ {3}"debug": false/);
      assert.doesNotMatch(change, /\+.*"bip"/);
    });
    await writeFile(dockerd.paths.configFile, written);
  });

  it('revert gives back every byte and address, and forgets', async () => {
    const { exitCode, stderr, stdout } = await dockerd.tsflannel('revert', '--yes');
    assert.equal(exitCode, 0, stdout + stderr);
    assert.equal(difference(first, await dockerd.shows(), [new RegExp(`files: . ${dockerd.stateDir} 755 0:0 /$`)]), '');
    assert.equal(await dockerd.argv(), argv);
    assert.match(await dockerd.addressOf('web'), /^172\.17\.0\.\d+$/);
    const again = await dockerd.tsflannel('revert', '--yes');
    assert.deepEqual([again.exitCode, JSON.parse(again.stdout).changed], [0, false]);
  });

  it('left the dockerd of the other namespace alone', async () => {
    assert.equal(await neighbour.pid(), other);
    assert.deepEqual(await neighbour.docker0(), ['172.17.0.1/16']);
  });

  it('refuses a daemon.json that this dockerd does not read', () =>
    untouched(async () => {
      const { stdout } = await dockerd.tsflannel('apply', '--yes', '--config-file', neighbour.paths.configFile);
      assert.equal(errorOf(stdout), 'DOCKER_CONFIG');
    }));

  holdsItsSchemas('docker/apply');
});
