/** The OpenRC script by a real OpenRC, in a root of its own and a host's network namespace, with the real daemon behind it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { packageRoot } from '../../src/root.ts';
import { type DebianRoot, openDebianRoot } from '../support/debian-root.ts';
import { type Ground, type Host, makeGround } from '../support/ground.ts';
import { difference, type Snapshot, snapshot } from '../support/leaks.ts';

const NAME = 'tsrc';
const MINE = { mine: new RegExp(`\\b${NAME}(u|\\d|-)`) };

/** What a host of OpenRC has: something that provides the network, and Docker. */
const NETWORK = '#!/sbin/openrc-run\ndepend() { provide net; }\nstart() { :; }\n';
const DOCKER = '#!/sbin/openrc-run\ndepend() { need net; }\nstart() { ip link show flannel.1; }\n';

describe('service install with OpenRC', function () {
  this.timeout(300_000);
  let before_: Snapshot | undefined;
  let ground: Ground;
  let host: Host;
  let root: DebianRoot;
  const run = (...argv: string[]): Promise<string> => host.run(...root.enter, ...argv);
  const tsflannel = (...argv: string[]): Promise<string> => run(join(packageRoot(), 'bin', 'tsflannel'), ...argv);
  const exitOf = (...argv: string[]): Promise<number> =>
    run(...argv).then(
      () => 0,
      ({ exitCode }: { exitCode: number }) => exitCode,
    );
  /** The machine as OpenRC's sysinit leaves it. */
  const boot = async (): Promise<void> => {
    await run('rm', '-rf', '/run/openrc');
    await run('mkdir', '/run/openrc');
    await run('cp', '/etc/softlevel', '/run/openrc/softlevel');
    await run('rc-update', '-u');
  };

  before(async () => {
    before_ = await snapshot(MINE);
    ground = await makeGround(NAME, 1);
    host = ground.hosts[0] as Host;
    await host.tsflannel('config', 'set', '--network', '172.20.0.0/16', '--backend', 'vxlan');
    // OpenRC hands on nothing of its environment.
    const mine = (await host.run('env')).split('\n').filter((line) => line.startsWith('TSFLANNEL_'));
    root = await openDebianRoot('openrc', {
      folders: ['/etc/init.d', '/etc/tsflannel'],
      files: [
        { path: '/etc/init.d/networking', content: NETWORK, mode: 0o755 },
        { path: '/etc/init.d/docker', content: DOCKER, mode: 0o755 },
        { path: '/etc/tsflannel/tsflannel.env', content: `${mine.join('\n')}\n`, mode: 0o600 },
        { path: '/etc/softlevel', content: 'boot\n' },
      ],
    });
    await boot();
  });
  after(async () => {
    await root?.close();
    await ground?.close();
    if (before_) assert.equal(difference(before_, await snapshot(MINE)), '');
  });

  it('finds OpenRC, writes the script, adds it to the runlevel and starts it', async () => {
    await tsflannel('service', 'install', '--', '--ip-masq', '--node-name', 'by-openrc');
    assert.match(await run('rc-update', 'show', 'default'), /tsflannel/);
    assert.match(await tsflannel('service', 'status'), /init\.d\/tsflannel +as written\nopenrc/);
    assert.match(await host.tsflannel('routes'), /by-openrc/);
    assert.match(await host.run('iptables-save'), /MASQUERADE/);
    assert.equal(await exitOf('rc-service', 'tsflannel', 'status'), 0);
  });

  it('stops it, as OpenRC sees it too', async () => {
    await run('rc-service', 'tsflannel', 'stop');
    assert.equal(await exitOf('rc-service', 'tsflannel', 'status'), 9);
  });

  it('starts it at boot, before Docker', async () => {
    await host.tsflannel('down');
    await run('rc-update', 'add', 'docker', 'default');
    await boot();
    // docker's start fails where the device is not there yet.
    await run('openrc', 'default');
    const { length } = (await run('rc-status', 'default')).match(/(?:tsflannel|docker) +\[ +started/g) ?? [];
    assert.equal(length, 2);
    assert.equal(await exitOf('rc-service', 'tsflannel', 'status'), 0);
  });

  it('takes it away', async () => {
    await tsflannel('service', 'uninstall');
    assert.doesNotMatch(await run('rc-update', 'show', 'default'), /tsflannel/);
    assert.equal(await exitOf('ls', '/etc/init.d/tsflannel'), 2);
    assert.match(await host.run('ip', 'link', 'show', 'flannel.1'), /flannel\.1/);
  });
});
