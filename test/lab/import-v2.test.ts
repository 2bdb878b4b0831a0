import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openTypist, type Typist } from '../support/cli.ts';
import { startEtcd, type TestEtcd } from '../support/etcd.ts';
import { holdsItsSchemas } from '../support/held.ts';
import { NET } from '../support/kvs.ts';
import { createCa } from '../support/tls.ts';

const CONFIG = '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"},"Comment":"by hand"}';
const lease = (last: number, more = {}) => JSON.stringify({ PublicIP: `192.168.1.${last}`, ...more });
const vxlan = { BackendType: 'vxlan', BackendData: { VtepMAC: '5a:76:f8:b2:1c:01' } };

describe('tsflannel config import --from-v2', function () {
  this.timeout(240_000);
  let old: TestEtcd;
  let fresh: TestEtcd;
  let typist: Typist;
  const put2 = async (name: string, value: string, ttl?: number, prefix = NET) => {
    const body = new URLSearchParams({ value, ...(ttl !== undefined && { ttl: String(ttl) }) });
    const response = await fetch(`${old.endpoint}/v2/keys${prefix}/${name}`, { method: 'PUT', body });
    assert.ok(response.ok, await response.text());
  };
  before(async () => {
    [old, fresh] = await Promise.all([startEtcd({ args: ['--enable-v2'] }), startEtcd()]);
    typist = openTypist(fresh.endpoint, 'care-import-');
    await put2('config', CONFIG);
    await put2('subnets/10.5.1.0-24', lease(1, vxlan), 80_000);
    await put2('subnets/10.5.2.0-24', lease(2, vxlan), 5000);
    await put2('subnets/10.5.3.0-24', lease(3, vxlan));
    await put2('subnets/10.5.4.0-24', 'garbage', 500);
    await put2('subnets/nonsense', lease(5), 500);
    await put2('config', CONFIG, undefined, `${NET}/second`);
    await put2('notes', 'mine');
  });
  after(async () => {
    await old.close();
    await fresh.close();
    typist.close();
  });
  const run = (...argv: string[]) => typist.type('config', 'import', '--from-v2', old.endpoint, ...argv, '--json');
  const actions = (data: Record<string, unknown>) =>
    Object.fromEntries((data.leases as { name: string; action: string }[]).map(({ name, action }) => [name, action]));
  const keys = async () =>
    (await fresh.ctl('get', '/', '--prefix', '--keys-only')).split('\n').filter((line) => line !== '');
  const left = async (name: string): Promise<number | undefined> => {
    const got = (await typist.type('etcd', 'get', `subnets/${name}`, '--json')).json() as { keys: { left?: number }[] };
    return got.keys[0]?.left;
  };

  it('shows first what it would write, and asks', async () => {
    const dry = await run('--dry-run');
    assert.equal(dry.exit, 8);
    assert.deepEqual(actions(dry.json()), {
      '10.5.1.0-24': 'write',
      '10.5.2.0-24': 'write',
      '10.5.3.0-24': 'write',
      '10.5.4.0-24': 'refused',
      nonsense: 'refused',
    });
    assert.match(dry.stderr, /second is another network/);
    assert.match(dry.stderr, /notes is no key of flannel's/);
    assert.equal((await run()).code(), 'NEEDS_CONFIRMATION');
    assert.deepEqual(await keys(), []);
  });

  it('writes config and leases as they are, with the time they have left', async () => {
    const ran = await run('--yes');
    assert.equal(ran.exit, 8, ran.stdout);
    assert.equal((await fresh.ctl('get', `${NET}/config`, '--print-value-only')).trim(), CONFIG);
    assert.equal((await fresh.ctl('get', `${NET}/subnets/10.5.1.0-24`, '--print-value-only')).trim(), lease(1, vxlan));
    const [first, second] = [await left('10.5.1.0-24'), await left('10.5.2.0-24')];
    assert.ok(first !== undefined && first > 79_000 && first <= 80_000, String(first));
    assert.ok(second !== undefined && second > 4000 && second <= 5000, String(second));
    assert.equal(await left('10.5.3.0-24'), undefined);
    assert.equal((await keys()).length, 4);
  });

  it('changes nothing when run again', async () => {
    const before = (await fresh.ctl('get', '/', '--prefix', '-w', 'json')).replace(/"raft_term.*?}/, '');
    const again = await run('--yes');
    assert.equal(again.json().changed, false);
    assert.equal((await fresh.ctl('get', '/', '--prefix', '-w', 'json')).replace(/"raft_term.*?}/, ''), before);
  });

  it('overwrites nothing without --force', async () => {
    await fresh.ctl('put', `${NET}/subnets/10.5.2.0-24`, lease(22, vxlan));
    await fresh.ctl('del', `${NET}/subnets/10.5.1.0-24`);
    await fresh.ctl('put', `${NET}/subnets/10.5.0.0-23`, lease(9, vxlan));
    const ran = await run('--yes');
    assert.deepEqual(
      [actions(ran.json())['10.5.1.0-24'], actions(ran.json())['10.5.2.0-24']],
      ['kept', 'kept'],
      ran.stdout,
    );
    assert.match(await fresh.ctl('get', `${NET}/subnets/10.5.2.0-24`), /192\.168\.1\.22/);
    await fresh.ctl('put', `${NET}/config`, '{"Network":"10.9.0.0/16"}');
    assert.equal((await run('--yes')).code(), 'IMPORT_CONFLICT');
    const forced = await run('--yes', '--force');
    assert.equal(actions(forced.json())['10.5.2.0-24'], 'overwrite');
    assert.match(await fresh.ctl('get', `${NET}/subnets/10.5.2.0-24`), /192\.168\.1\.2"/);
    assert.ok(((await left('10.5.2.0-24')) ?? 0) > 3000);
    assert.equal((await fresh.ctl('get', `${NET}/config`, '--print-value-only')).trim(), CONFIG);
  });

  it('shows its certificate where the old cluster asks for one', async () => {
    const ca = await createCa();
    const server = await ca.issue('server', 'IP:127.0.0.1');
    const client = await ca.issue('client', 'DNS:client');
    const secured = await startEtcd({ args: ['--enable-v2'], tls: { ca: ca.ca, ...server, clientAuth: true } });
    const from = (...argv: string[]) =>
      typist.type('config', 'import', '--from-v2', secured.endpoint, ...argv, '--dry-run', '--json');
    try {
      assert.equal((await from()).code(), 'ETCD_UNREACHABLE');
      assert.equal((await from('--v2-cafile', ca.ca)).code(), 'ETCD_UNREACHABLE');
      assert.equal((await from('--v2-cafile', join(ca.dir, 'none'))).code(), 'FILE_UNREADABLE');
      const files = ['--v2-cafile', ca.ca, '--v2-certfile', client.cert, '--v2-keyfile', client.key];
      const ran = await from(...files);
      assert.equal(ran.code(), 'IMPORT_FAILED');
      assert.match(ran.stdout, /there is nothing at/);
    } finally {
      await secured.close();
      await ca.close();
    }
  });

  it('says what is wrong with the source', async () => {
    const from = async (...argv: string[]) => {
      const ran = await typist.type('config', 'import', '--from-v2', ...argv, '--json');
      return `${ran.code()} ${ran.stdout}`;
    };
    assert.match(await from(fresh.endpoint), /^IMPORT_FAILED [\s\S]*without --enable-v2/);
    assert.match(await from(old.endpoint, '--v2-prefix', '/nothing'), /^IMPORT_FAILED [\s\S]*nothing at \/nothing/);
    assert.match(await from('http://127.0.0.1:1'), /^ETCD_UNREACHABLE /);
    assert.match(await from('http://u:secret@127.0.0.1:1'), /^USAGE (?![\s\S]*secret)/);
  });

  holdsItsSchemas('import-v2');
});
