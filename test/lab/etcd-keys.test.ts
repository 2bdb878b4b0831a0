import assert from 'node:assert/strict';
import { join } from 'node:path';
import { packageRoot } from '../../src/root.ts';
import { openTypist, type Typist } from '../support/cli.ts';
import { startEtcd, type TestEtcd } from '../support/etcd.ts';
import { follow } from '../support/follow.ts';
import { NET } from '../support/kvs.ts';
import { until } from '../support/until.ts';

const LEASE = '{"PublicIP":"192.168.1.7","PublicIPv6":null}';

describe('tsflannel etcd get, put, del, watch', function () {
  this.timeout(240_000);
  let etcd: TestEtcd;
  let typist: Typist;
  before(async () => {
    etcd = await startEtcd();
    typist = openTypist(etcd.endpoint, 'care-keys-');
    await etcd.ctl('put', `${NET}/config`, '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}');
    const lease = /lease (\w+) granted/.exec(await etcd.ctl('lease', 'grant', '360000'))?.[1] ?? '';
    await etcd.ctl('put', `${NET}/subnets/10.5.1.0-24`, LEASE, `--lease=${lease}`);
    await etcd.ctl('put', `${NET}/subnets/10.5.2.0-24`, 'garbage\u001b[2J');
    await etcd.ctl('put', '/elsewhere', 'x');
  });
  after(async () => {
    await etcd.close();
    typist.close();
  });
  const type = (...argv: string[]) => typist.type('etcd', ...argv);
  const code = async (...argv: string[]) => (await type(...argv, '--json')).code();

  it('shows keys as what they mean', async () => {
    const { stdout, exit } = await type('get');
    assert.equal(exit, 0);
    assert.match(stdout, /network\/config +\d+ +- +network 10\.5\.0\.0\/16, 255 subnets of \/24, backend vxlan/);
    assert.match(stdout, /10\.5\.1\.0-24 +\d+ +4d +10\.5\.1\.0\/24 of 192\.168\.1\.7, backend udp/);
    assert.match(stdout, /10\.5\.2\.0-24 +\d+ +- +not valid: garbage\?\[2J/);
    assert.doesNotMatch(stdout, /elsewhere/);
    assert.equal((await type('get', 'config', '--raw')).stdout, '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}');
    const { keys } = (await type('get', 'subnets/', '--json')).json() as { keys: { key: string; value: string }[] };
    assert.deepEqual(
      keys.map(({ key, value }) => [key.slice(NET.length), value]),
      [
        ['/subnets/10.5.1.0-24', LEASE],
        ['/subnets/10.5.2.0-24', 'garbage\u001b[2J'],
      ],
    );
  });

  it('keeps to its own keys unless told', async () => {
    for (const key of ['/elsewhere', '/coreos.com/networks', '/', NET]) {
      assert.equal(await code('get', key), 'KEY_OUTSIDE', key);
      assert.equal(await code('put', key, 'y', '--yes'), 'KEY_OUTSIDE', key);
      assert.equal(await code('del', key, '--yes'), 'KEY_OUTSIDE', key);
    }
    assert.match((await type('get', '/elsewhere', '--all')).stdout, /x$/);
    assert.equal(await code('get', 'nothing'), 'KEY_MISSING');
    assert.equal(await code('del', 'subnets/', '--yes'), 'USAGE');
  });

  it('writes only with a yes, and warns of what a write would do', async () => {
    const put = ['put', 'subnets/10.5.1.0-24', '{"PublicIP":"192.168.1.8"}'];
    assert.equal(await code(...put), 'NEEDS_CONFIRMATION');
    const dry = await type(...put, '--dry-run');
    assert.match(dry.stderr, /192\.168\.1\.7.*live lease \(4d left\)/);
    assert.match(await etcd.ctl('get', `${NET}/subnets/10.5.1.0-24`), /192\.168\.1\.7/);
    assert.equal((await type(...put, '--yes')).exit, 0);
    const left = (await type('get', put[1]!, '--json')).json() as { keys: { left: number; value: string }[] };
    assert.ok((left.keys[0]?.left ?? 0) > 300_000, 'it stays on its etcd lease');
    assert.match(left.keys[0]?.value ?? '', /192\.168\.1\.8/);
    const bad = await type('put', 'config', '{"Network":"10.5.0.0/99"}', '--dry-run');
    assert.match(bad.stderr, /flannel would not take the value/);
    assert.equal((await type(...put, '--yes', '--json')).json().changed, false);
  });

  it('deletes one key', async () => {
    assert.match((await type('del', 'config', '--dry-run')).stderr, /without the config no node can start/);
    assert.equal(await code('del', 'subnets/10.5.2.0-24'), 'NEEDS_CONFIRMATION');
    assert.equal((await type('del', 'subnets/10.5.2.0-24', '--yes')).exit, 0);
    assert.match((await typist.type('etcd', 'del', 'subnets/10.5.2.0-24')).stdout, /^no change/);
    assert.match(await etcd.ctl('get', '/elsewhere'), /x/);
  });

  it('follows changes, one JSON document a line, across a restart of etcd', async () => {
    const program = join(packageRoot(), 'bin', 'tsflannel');
    const env = { ...process.env, TSFLANNEL_ETCD_ENDPOINTS: etcd.endpoint, TSFLANNEL_CONFIG_DIR: typist.dir };
    const following = follow([program, 'etcd', 'watch', '--json'], env);
    const told = () =>
      following
        .lines()
        .map((line) => JSON.parse(line) as { event: string; key: string })
        .map(({ event, key }) => `${event} ${key.slice(NET.length + 1)}`);
    await until('what is there is told', () => told().length === 2);
    await etcd.stop();
    await etcd.start();
    await etcd.ctl('put', `${NET}/subnets/10.5.3.0-24`, LEASE);
    await etcd.ctl('del', `${NET}/subnets/10.5.3.0-24`);
    await until('both changes are told', () => told().length === 4);
    assert.deepEqual(told().slice(2), ['put subnets/10.5.3.0-24', 'delete subnets/10.5.3.0-24']);
    assert.equal(await following.interruptAfter(4), 130);
  });
});
