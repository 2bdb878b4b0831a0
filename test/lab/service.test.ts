/** The sysvinit script as init would call it, in a namespace; a shell and the real daemon behind it. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { servicePlan } from '../../src/service/service.ts';
import { type Ground, type Host, makeGround } from '../support/ground.ts';
import { difference, type Snapshot, snapshot } from '../support/leaks.ts';

const NAME = 'tssv';
const MINE = { mine: new RegExp(`\\b${NAME}(u|\\d|-)`) };

describe('the sysvinit script', () => {
  let before_: Snapshot;
  let ground: Ground;
  let host: Host;
  let script = '';

  before(async function () {
    this.timeout(300_000);
    before_ = await snapshot(MINE);
    ground = await makeGround(NAME, 1);
    host = ground.hosts[0] as Host;
    await host.tsflannel('config', 'set', '--network', '172.20.0.0/16', '--backend', 'vxlan');
    script = join(host.dir, 'init');
    const [file] = (await servicePlan('sysvinit', ['--ip-masq', '--node-name', 'by-init'])).files;
    await writeFile(script, file?.content ?? '', { mode: 0o755 });
  });
  after(async function () {
    this.timeout(300_000);
    await host?.run(script, 'stop');
    await ground?.close();
    assert.equal(difference(before_, await snapshot(MINE)), '');
  });

  const pid = async (): Promise<number> => Number(await readFile(join(host.dir, 'run', 'daemon.pid'), 'utf8'));
  const exitOf = (...argv: string[]): Promise<number> =>
    host.run(...argv).then(
      () => 0,
      ({ exitCode }: { exitCode: number }) => exitCode,
    );

  it('starts the daemon with its flags, once, and comes back when it is ready', async () => {
    assert.equal(await exitOf(script, 'status'), 9);
    await host.run(script, 'start');
    assert.match(await host.tsflannel('status'), /172\.20\./);
    assert.match(await host.tsflannel('routes'), /by-init/);
    assert.match(await host.run('iptables-save'), /MASQUERADE/);
    const first = await pid();
    await host.run(script, 'start');
    assert.equal(await pid(), first);
    assert.equal(await exitOf(script, 'status'), 0);
  }).timeout(300_000);

  it('restarts and stops it; routes and device stay', async () => {
    const first = await pid();
    await host.run(script, 'restart');
    assert.notEqual(await pid(), first);
    await host.run(script, 'stop');
    assert.equal(await exitOf(script, 'status'), 9);
    await host.run('ip', 'link', 'show', 'flannel.1');
    await host.run(script, 'stop');
    assert.equal(await exitOf(script, 'dance'), 2);
  }).timeout(300_000);
});
