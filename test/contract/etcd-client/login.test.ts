/** Our transport and an etcd with authentication. */
import assert from 'node:assert/strict';
import { TsflannelError } from '../../../src/errors.ts';
import { addUsers, startEtcd, type TestEtcd } from '../../support/etcd.ts';
import { closeClients, fails, open, put, watchEnd } from '../../support/transport.ts';
import { until } from '../../support/until.ts';

afterEach(closeClients);

describe('transport: login', () => {
  let etcd: TestEtcd;
  const user = { username: 'flannel', password: 'canary-77' };

  beforeEach(async () => {
    etcd = await startEtcd();
    await addUsers(etcd);
  });
  afterEach(() => etcd.close());

  it('works with a user name while authentication is off, and when it is turned on', async () => {
    const kv = open([etcd.endpoint], user);
    await put(kv, '/k/a');
    await etcd.ctl('auth', 'enable');
    await put(kv, '/k/a');
    assert.equal((await kv.range('/k/a', { exact: true })).kvs[0]?.version, 2n);
    assert.equal((await kv.status()).version.length > 0, true);
  });

  it('says so when the password is wrong, missing, or not enough', async () => {
    await etcd.ctl('auth', 'enable');
    await fails(open([etcd.endpoint], { ...user, password: 'canary-wrong' }).range('/k/'), 'ETCD_AUTH');
    await fails(open([etcd.endpoint], { username: 'flannel' }).range('/k/'), 'ETCD_AUTH');
    await fails(open([etcd.endpoint]).range('/k/'), 'ETCD_AUTH');
    const kv = open([etcd.endpoint], user);
    await fails(kv.range('/elsewhere/'), 'ETCD_AUTH');
    await fails(put(kv, '/elsewhere/k'), 'ETCD_AUTH');
    const error = await watchEnd(kv, '/elsewhere/');
    assert.equal(error instanceof TsflannelError && error.code, 'ETCD_AUTH');
    const again = await watchEnd(open([etcd.endpoint], { ...user, password: 'canary-wrong' }), '/k/');
    assert.equal(again instanceof TsflannelError && again.code, 'ETCD_AUTH');
  });

  it('logs in again when its token is not known any more, and writes once', async () => {
    await etcd.ctl('auth', 'enable');
    const kv = open([etcd.endpoint], user);
    await put(kv, '/k/a');
    const lease = await kv.grant(60);
    await etcd.stop();
    await etcd.start();
    await put(kv, '/k/a');
    assert.equal((await kv.range('/k/a', { exact: true })).kvs[0]?.version, 2n);
    await etcd.stop();
    await etcd.start();
    assert.equal(await kv.keepAliveOnce(lease), 60);
  });

  it('gets over the token of a store that was wiped', async () => {
    await etcd.ctl('auth', 'enable');
    const kv = open([etcd.endpoint], user);
    for (let i = 0; i < 20; i++) await put(kv, '/k/a');
    await etcd.stop();
    await etcd.wipe();
    await etcd.start();
    await until('an answer', () =>
      put(kv, '/k/a').then(
        () => true,
        () => false,
      ),
    );
  });
});
