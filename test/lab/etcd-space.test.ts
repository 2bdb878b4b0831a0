import assert from 'node:assert/strict';
import { join } from 'node:path';
import { TsflannelError } from '../../src/errors.ts';
import { openKv } from '../../src/host/kv.ts';
import { openTypist, type Typist } from '../support/cli.ts';
import { startEtcd, type TestEtcd } from '../support/etcd.ts';
import { useHosts } from '../support/hosts.ts';
import { json, succeeds } from '../support/members.ts';

/** Writes until etcd says that its database is full. */
async function fill(endpoints: readonly string[]): Promise<void> {
  const kv = await openKv({ endpoints, timeoutMs: 5000 });
  const write = async () => {
    for (let i = 0; i < 30; i++) await kv.txn([], [{ op: 'put', key: '/x', value: 'x'.repeat(1_400_000) }]);
  };
  await assert.rejects(write(), (error) => error instanceof TsflannelError && error.code === 'ETCD_NOSPACE');
  kv.close();
}

describe('tsflannel etcd: a full database, and out of it again', function () {
  this.timeout(240_000);
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
    await fill([etcd.endpoint]);
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
    assert.equal(members[0]?.name, 'test');
    // Pages of a compaction may come behind the others.
    assert.ok(Number(members[0]?.before) >= Number(before.dbSize), members[0]?.before);
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

describe('tsflannel config set, up: while the database is full', function () {
  this.timeout(240_000);
  let etcd: TestEtcd;
  // Before the hosts' own hook, which wants no process left.
  after(() => etcd.close());
  const { host } = useHosts('care-full', 1);
  before(async () => {
    etcd = await startEtcd({ netns: 'care-full-1', args: ['--quota-backend-bytes', '16777216'] });
  });

  it('fail with what to do, and work once it is done', async () => {
    const folders = { TSFLANNEL_STATE_DIR: 'state', TSFLANNEL_SUBNET_FILE: 'run/subnet.env' };
    const env = {
      TSFLANNEL_ETCD_ENDPOINTS: etcd.endpoint,
      ...Object.fromEntries(Object.entries(folders).map(([name, path]) => [name, join(host(1).dir, path)])),
    };
    const type = (...argv: string[]) => host(1).tsflannelWith(env, ...argv);
    const set = (network: string) => type('config', 'set', '--network', network, '--json');
    succeeds(await set('10.5.0.0/16'));
    const write = async () => {
      for (let i = 0; i < 300; i++) await etcd.ctl('put', '/x', 'x'.repeat(120_000));
    };
    await assert.rejects(write(), /database space exceeded/);
    for (const ran of [await set('10.6.0.0/16'), await type('up', '--detach', '--json')]) {
      const { code, exit, fix } = json(ran).error as { code: string; exit: number; fix: string[] };
      assert.deepEqual([code, exit], ['ETCD_NOSPACE', 6], ran.stdout);
      for (const line of fix) succeeds(await type(...line.split(' ').slice(1), '--dry-run'));
    }
    const { fix } = json(await set('10.6.0.0/16')).error as { fix: string[] };
    for (const line of fix) succeeds(await type(...line.split(' ').slice(1)));
    succeeds(await set('10.6.0.0/16'));
    succeeds(await type('up', '--detach', '--iface', 'eth0', '--json'));
    succeeds(await type('down'));
  });
});
