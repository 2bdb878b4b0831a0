import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOrigins } from '../../src/host/origins.ts';
import { openTypist, type Typist } from '../support/cli.ts';
import { startEtcd, type TestEtcd } from '../support/etcd.ts';
import { NET } from '../support/kvs.ts';

interface Setting {
  readonly name: string;
  readonly value: string;
  readonly origin?: string;
}

describe('tsflannel config view --origins', function () {
  this.timeout(240_000);
  let etcd: TestEtcd;
  let typist: Typist;
  before(async () => {
    etcd = await startEtcd();
    typist = openTypist(etcd.endpoint, 'care-view-');
  });
  after(async () => {
    await etcd.close();
    typist.close();
  });
  const view = async (...argv: string[]) => {
    const ran = await typist.type('config', 'view', ...argv, '--json');
    const { settings, trouble } = ran.json() as { settings: Setting[]; trouble: { code: string } | null };
    const of = (name: string) => {
      const found = settings.find((setting) => setting.name === name);
      return [found?.value, found?.origin];
    };
    return { exit: ran.exit, trouble, of, settings };
  };

  it('tells flag, environment, etcd and default apart', async () => {
    const none = await view('--origins');
    assert.deepEqual([none.exit, none.trouble?.code], [8, 'CONFIG_MISSING']);
    await etcd.ctl('put', `${NET}/config`, '{"network":"10.5.0.0/16","Backend":{"Type":"vxlan","VNI":7}}');
    const { exit, of } = await view('--origins', '--healthz-port', '0', '--iface=eth1', '--no-ip-masq');
    assert.equal(exit, 0);
    assert.deepEqual(of('etcd-endpoints'), [etcd.endpoint, 'environment TSFLANNEL_ETCD_ENDPOINTS']);
    assert.deepEqual(of('healthz-port'), ['0', 'flag --healthz-port']);
    assert.deepEqual(of('iface'), ['eth1', 'flag --iface']);
    assert.deepEqual(of('ip-masq'), ['false', 'flag --ip-masq']);
    assert.deepEqual(of('healthz-ip'), ['0.0.0.0', 'default']);
    assert.deepEqual(of('etcd-prefix'), [NET, 'default']);
    assert.match(of('Network').join(' '), /^10\.5\.0\.0\/16 etcd, revision \d+$/);
    assert.deepEqual(of('SubnetLen'), ['24', 'default']);
    assert.match(of('Backend.Vni').join(' '), /^7 etcd/);
    assert.deepEqual(of('Backend.Port'), ['8472', 'default']);
    const { stdout } = await typist.type('config', 'get', '--origins');
    assert.match(stdout, /^Network +10\.5\.0\.0\/16 +etcd, revision \d+\nSubnetLen +24 +default$/m);
  });

  it('leaves the origins out unless asked, and never shows a password', async () => {
    const { settings } = await view();
    assert.ok(settings.every(({ origin }) => origin === undefined));
    const { stdout } = await typist.type('config', 'view', '--origins', '--etcd-password', 'canary');
    assert.match(stdout, /etcd-password +\(set, not shown\) +flag --etcd-password/);
    assert.doesNotMatch(stdout, /canary/);
  });

  it('names client.json, and flanneld’s own variables', async () => {
    const configDir = join(typist.dir, 'client');
    mkdirSync(configDir);
    const client = { endpoints: ['http://127.0.0.1:1'], prefix: '/mine' };
    writeFileSync(join(configDir, 'client.json'), JSON.stringify(client));
    const names = ['etcd-endpoints', 'etcd-cafile', 'iface'] as const;
    const given = names.map((name) => ({
      ...{ name, typed: false, value: name === 'iface' ? ['eth7'] : undefined },
      env: `TSFLANNEL_${name.toUpperCase().replaceAll('-', '_')}`,
    }));
    const flags = { 'config-dir': configDir } as Parameters<typeof readOrigins>[0];
    const environment = { TSFLANNEL_IFACE: 'eth7', FLANNELD_IFACE: 'eth7' };
    const { settings, trouble } = await readOrigins(flags, given, environment);
    assert.equal(trouble?.code, 'ETCD_UNREACHABLE');
    assert.deepEqual(settings, [
      { name: 'etcd-endpoints', value: 'http://127.0.0.1:1', origin: join(configDir, 'client.json') },
      { name: 'etcd-cafile', value: '-', origin: 'default' },
      { name: 'iface', value: 'eth7', origin: 'environment FLANNELD_IFACE' },
    ]);
  });
});
