import assert from 'node:assert/strict';
import { TsflannelError } from '../../src/errors.ts';
import { openKv } from '../../src/host/kv.ts';
import { openTypist, type Typist } from '../support/cli.ts';
import { startEtcd, type TestEtcd } from '../support/etcd.ts';

describe('tsflannel etcd: a full database, and out of it again', function () {
  this.timeout(60_000);
  let etcd: TestEtcd;
  let typist: Typist;
  before(async () => {
    etcd = await startEtcd({ args: ['--quota-backend-bytes', '16777216'] });
    typist = openTypist(etcd.endpoint, 'care-space-');
  });
  after(async () => {
    await etcd.close();
    typist.close();
  });
  const status = async () => {
    const ran = await typist.type('etcd', 'status', '--json');
    const { healthy, alarms, members } = ran.json() as {
      healthy: boolean;
      alarms: { kind: string }[];
      members: { dbSize: string; dbSizeInUse: string; revision: string }[];
    };
    return { exit: ran.exit, healthy, alarms, ...members[0]! };
  };
  const type = async (...argv: string[]) => {
    const ran = await typist.type('etcd', ...argv, '--json');
    assert.equal(ran.exit, 0, ran.stdout + ran.stderr);
    return ran.json();
  };

  it('says so when etcd refuses writes', async () => {
    const kv = await openKv({ endpoints: [etcd.endpoint], timeoutMs: 5000 });
    const fill = async () => {
      for (let i = 0; i < 30; i++) await kv.txn([], [{ op: 'put', key: '/x', value: 'x'.repeat(1_400_000) }]);
    };
    await assert.rejects(fill(), (error) => error instanceof TsflannelError && error.code === 'ETCD_NOSPACE');
    kv.close();
    const { exit, healthy, alarms } = await status();
    assert.deepEqual([exit, healthy, alarms.map(({ kind }) => kind)], [8, false, ['nospace']]);
    const list = await typist.type('etcd', 'alarm', 'list');
    assert.equal(list.exit, 8);
    assert.match(list.stdout, /alarm nospace of test: .*etcd compact, etcd defrag/);
  });

  it('makes room by compact and defrag, and takes writes after disarm', async () => {
    const before = await status();
    for (const argv of [['compact'], ['defrag'], ['alarm', 'disarm']])
      assert.equal((await type(...argv, '--dry-run')).dryRun, true);
    assert.deepEqual(await status(), before);
    const { revision } = await type('compact');
    assert.equal(revision, before.revision);
    await type('compact');
    const { members } = (await type('defrag')) as { members: { name: string; before: string; after: string }[] };
    assert.deepEqual([members[0]?.name, members[0]?.before], ['test', before.dbSize]);
    assert.ok(Number(members[0]?.after) < Number(before.dbSize) / 4, members[0]?.after);
    assert.equal((await status()).healthy, false);
    assert.equal((await type('alarm', 'disarm')).changed, true);
    assert.equal((await type('alarm', 'disarm')).changed, false);
    assert.deepEqual(await status().then(({ exit, alarms }) => [exit, alarms]), [0, []]);
    await etcd.ctl('put', '/y', '1');
  });

  it('keeps the history from a revision on', async () => {
    await etcd.ctl('put', '/y', '2');
    const { revision } = await status();
    await type('compact', '--revision', revision);
    assert.match(await etcd.ctl('get', '/y', '--rev', revision), /2/);
    await assert.rejects(etcd.ctl('get', '/y', '--rev', String(Number(revision) - 1)), /compacted/);
    const future = await typist.type('etcd', 'compact', '--revision', '999999', '--json');
    assert.deepEqual([future.exit, future.code()], [2, 'USAGE']);
  });

  it('knows no member that is not there', async () => {
    const ran = await typist.type('etcd', 'defrag', '--member', 'nobody', '--json');
    assert.deepEqual([ran.exit, ran.code()], [3, 'ETCD_MEMBER_UNKNOWN']);
  });
});
