/** docker network create and remove beside a real dockerd whose docker0 has a part of the lease. */

import assert from 'node:assert/strict';
import { execa } from 'execa';
import { LAB_IMAGE } from '../../../src/lab/dockerd.ts';
import { useDockerd } from '../../support/dockerd.ts';
import { holdsItsSchemas } from '../../support/held.ts';

describe('docker network', function () {
  this.timeout(900_000);
  const dockerd = useDockerd({ name: 'dock-network' });

  async function tsflannel(exit: number, ...args: string[]) {
    const { exitCode, stdout } = await dockerd.tsflannel(...args);
    assert.equal(exitCode, exit, stdout);
    return JSON.parse(stdout);
  }
  const wrong = async (): Promise<string[]> =>
    JSON.parse((await dockerd.tsflannel('status')).stdout)
      .rows.filter(({ state, what }: { state: string; what: string }) => state !== 'ok' && what !== 'lease')
      .map(({ what }: { what: string }) => what);

  before(() => dockerd.lease('172.17.57.1/24'));

  it('finds no room while docker0 has all of the lease, and says how to make some', async () => {
    await tsflannel(0, 'apply', '--yes');
    const { error } = await tsflannel(6, 'network', 'create', 'web');
    assert.equal(error.code, 'DOCKER_NETWORK');
    assert.match(error.why, /nothing of the leased subnet .* is free/);
    assert.match(error.fix.join(), /--docker0-length 25/);
  });

  it('apply --docker0-length gives docker0 a part, and later ones keep to that', async () => {
    await tsflannel(2, 'apply', '--yes', '--docker0-length', '23');
    await tsflannel(0, 'apply', '--yes', '--docker0-length', '25');
    assert.deepEqual(await dockerd.docker0(), ['172.17.57.1/25']);
    assert.equal((await tsflannel(0, 'apply')).changed, false);
    assert.deepEqual(await wrong(), []);
  });

  it('--dry-run prints a command that Docker takes', async () => {
    const [program, ...args] = dockerd.command('network', 'create', 'web', '--length', '26', '--dry-run');
    const { stdout } = await execa(program!, args);
    assert.match(
      stdout,
      /^docker network create --subnet 172\.17\.57\.128\/26 --gateway 172\.17\.57\.129 .*1450.* web$/,
    );
    await dockerd.docker(...stdout.split(' ').slice(1));
    assert.equal((await tsflannel(6, 'network', 'remove', 'web')).error.code, 'DOCKER_NETWORK');
    await dockerd.docker('network', 'rm', 'web');
  });

  it('makes networks in what is free, a container on one with the MTU of the overlay', async () => {
    assert.equal((await tsflannel(0, 'network', 'create', 'web', '--length', '26')).subnet, '172.17.57.128/26');
    assert.equal((await tsflannel(0, 'network', 'create', 'db')).subnet, '172.17.57.192/26');
    assert.equal((await tsflannel(0, 'network', 'create', 'web')).changed, false);
    assert.equal((await tsflannel(6, 'network', 'create', 'web', '--length', '27')).error.code, 'DOCKER_NETWORK');
    for (const subnet of ['172.17.57.0/26', '172.17.58.0/26'])
      assert.equal((await tsflannel(6, 'network', 'create', 'x', '--subnet', subnet)).error.code, 'DOCKER_NETWORK');
    const link = ['/bin/busybox', 'ip', 'link', 'show', 'eth0'];
    assert.match(await dockerd.docker('run', '--rm', '--network', 'web', LAB_IMAGE, ...link), /mtu 1450/);
    assert.deepEqual(await wrong(), []);
  });

  it('apply and revert do not take their addresses back', async () => {
    const pid = await dockerd.pid();
    for (const argv of [
      ['apply', '--yes', '--docker0-length', '24'],
      ['revert', '--yes'],
    ])
      assert.match((await tsflannel(1, ...argv)).error.why, /web, db|db, web/);
    assert.equal(await dockerd.pid(), pid);
  });

  it('status names them when the lease is another one', async () => {
    await dockerd.lease('172.17.58.1/24');
    assert.ok((await wrong()).includes('network web'));
    await dockerd.lease('172.17.57.1/24');
  });

  it('remove takes away what it has made, and no network with a container on it', async () => {
    await dockerd.container('on-web');
    await dockerd.docker('network', 'connect', 'web', 'on-web');
    assert.match((await tsflannel(6, 'network', 'remove', 'web')).error.why, /active endpoints/);
    await dockerd.docker('rm', '-f', 'on-web');
    for (const name of ['web', 'db']) assert.equal((await tsflannel(0, 'network', 'remove', name)).changed, true);
    assert.equal((await tsflannel(0, 'network', 'remove', 'web')).changed, false);
    await tsflannel(0, 'apply', '--yes', '--docker0-length', '24');
    assert.deepEqual(await dockerd.docker0(), ['172.17.57.1/24']);
  });

  holdsItsSchemas('docker/network');
});
