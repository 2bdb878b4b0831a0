/** What every Kv does, run on each of them: kv.test.ts. Each test has keys of its own, so that one etcd serves all. */
import assert from 'node:assert/strict';
import { TsflannelError } from '../../src/errors.ts';
import { isRevisionGone, type KeyValue, type Kv } from '../../src/store/kv.ts';
import { until } from '../support/until.ts';
import { followStream, shown, watchContract } from './kv-watch.ts';

/** One Kv under test and what the suite must be able to do to the store behind it. */
export interface Subject {
  /** A further client of the same store. */
  open(): Kv;
  compact(revision: bigint): Promise<void>;
  /** Seconds of the shortest lease this store grants; `passTtl` moves a clock that does not run by itself. */
  readonly shortTtl: number;
  passTtl(): Promise<void>;
  close(): Promise<void>;
}

/** Seconds of a lease that outlives the suite: one that ends in another test would change the revision there. */
const TTL = 600;
const code = (expected: string) => (error: unknown) => error instanceof TsflannelError && error.code === expected;

export function kvContract(name: string, start: () => Promise<Subject>): void {
  describe(`Kv contract: ${name}`, () => {
    let subject: Subject;
    let kv: Kv;
    let round = 0;
    let dir = '';
    const clients: Kv[] = [];
    const put = (key: string, value: string, lease?: bigint) =>
      kv.txn([], [{ op: 'put', key: `${dir}${key}`, value, ...(lease !== undefined && { lease }) }]);
    const read = async (key: string): Promise<KeyValue | undefined> =>
      (await kv.range(`${dir}${key}`, { exact: true })).kvs[0];

    before(async () => {
      subject = await start();
    });
    beforeEach(() => {
      dir = `/t${++round}/`;
      kv = subject.open();
      clients.push(kv);
    });
    afterEach(() => {
      for (const client of clients.splice(0)) client.close();
    });
    after(() => subject.close());

    it('reads nothing as nothing, and says at which revision of which cluster', async () => {
      const { kvs, revision, clusterId } = await kv.range(dir);
      assert.deepEqual(kvs, []);
      assert.ok(revision >= 1n && clusterId !== 0n);
    });

    it('reads what was written, in the order of the keys', async () => {
      const second = await put('b', 'zwei');
      const first = await put('a', 'eins €');
      await put('b', 'drei');
      const { kvs, revision } = await kv.range(dir);
      assert.deepEqual(kvs, [
        {
          key: `${dir}a`,
          value: 'eins €',
          createRevision: first.revision,
          modRevision: first.revision,
          version: 1n,
          lease: 0n,
        },
        {
          key: `${dir}b`,
          value: 'drei',
          createRevision: second.revision,
          modRevision: revision,
          version: 2n,
          lease: 0n,
        },
      ]);
      assert.equal(revision, first.revision + 1n);
    });

    it('reads more keys than one answer of etcd brings, all at one revision', async () => {
      const names = Array.from({ length: 2_050 }, (_, i) => `${dir}${String(i).padStart(4, '0')}`);
      for (let first = 0; first < names.length; first += 100)
        await kv.txn(
          [],
          names.slice(first, first + 100).map((key) => ({ op: 'put', key, value: 'x' })),
        );
      let wrote = Promise.resolve<unknown>(undefined);
      const asked = kv.range(dir);
      for (const name of ['0000', '1500', '2049', '3000']) wrote = wrote.then(() => put(name, 'later'));
      const { kvs, revision } = await asked;
      await wrote;
      assert.ok(kvs.length >= names.length && kvs.length <= names.length + 1);
      assert.ok(names.every((key, i) => kvs[i]?.key === key));
      assert.ok(kvs.every(({ modRevision }) => modRevision <= revision));
      const then = await kv.range(dir, { revision });
      assert.deepEqual(then.kvs, kvs);
    });

    it('reads the keys as they were at a former revision, until that is compacted', async () => {
      await put('a', 'eins');
      const { revision } = await put('b', 'eins');
      await put('b', 'zwei');
      await kv.txn([], [{ op: 'delete', key: `${dir}a` }]);
      const { revision: newest } = await put('c', 'eins');
      const before = await kv.range(dir, { revision });
      assert.deepEqual(
        before.kvs.map(({ key, value }) => key.slice(dir.length) + value),
        ['aeins', 'beins'],
      );
      assert.equal(before.revision, newest);
      assert.equal((await kv.range(`${dir}b`, { revision, exact: true })).kvs[0]?.value, 'eins');
      await subject.compact(revision + 1n);
      await assert.rejects(kv.range(dir, { revision }), isRevisionGone);
      await assert.rejects(kv.range(dir, { revision: newest + 1000n }), isRevisionGone);
      assert.equal((await kv.range(dir, { revision: revision + 1n })).kvs.length, 2);
    });

    it('reads one key, no values, a limited number', async () => {
      for (const key of ['a', 'ab', 'b']) await put(key, key);
      const keys = async (...args: Parameters<Kv['range']>) =>
        (await kv.range(...args)).kvs.map((each) => each.key.slice(dir.length));
      assert.deepEqual(await keys(`${dir}a`), ['a', 'ab']);
      assert.deepEqual(await keys(`${dir}a`, { exact: true }), ['a']);
      assert.deepEqual(await keys(dir, { limit: 2 }), ['a', 'ab']);
      assert.deepEqual(await keys(dir, { serializable: true }), ['a', 'ab', 'b']);
      assert.deepEqual(
        (await kv.range(dir, { keysOnly: true })).kvs.map(({ value }) => value),
        ['', '', ''],
      );
    });

    it('creates a key once', async () => {
      const guard = { target: 'create' as const, key: `${dir}k`, revision: 0n };
      const ops = (value: string) => [{ op: 'put' as const, key: `${dir}k`, value }];
      assert.equal((await kv.txn([guard], ops('one'))).succeeded, true);
      const { succeeded, revision } = await kv.txn([guard], ops('two'));
      assert.equal(succeeded, false);
      assert.equal((await read('k'))?.value, 'one');
      assert.equal(revision, (await read('k'))?.modRevision);
    });

    it('guards by modification and by lease, all guards or none', async () => {
      const lease = await kv.grant(TTL);
      const { revision } = await put('k', 'one', lease);
      const key = `${dir}k`;
      const good = [
        { target: 'mod' as const, key, revision },
        { target: 'lease' as const, key, lease },
      ];
      const bad = [good[0]!, { target: 'lease' as const, key, lease: lease + 1n }];
      assert.equal((await kv.txn(bad, [{ op: 'delete', key }])).succeeded, false);
      assert.equal((await kv.txn(good, [{ op: 'put', key, value: 'two', lease }])).succeeded, true);
      assert.equal((await kv.txn(good, [{ op: 'delete', key }])).succeeded, false);
      assert.equal((await read('k'))?.value, 'two');
    });

    it('applies several operations at one revision', async () => {
      await put('a', '1');
      const watched = followStream(kv, dir, 0n);
      await watched.created();
      const ops = [
        { op: 'put' as const, key: `${dir}b`, value: '2' },
        { op: 'delete' as const, key: `${dir}a` },
        { op: 'put' as const, key: `${dir}c`, value: '3' },
      ];
      const { revision } = await kv.txn([], ops);
      await until('three events', () => watched.events().length === 3);
      const frame = watched.frames.find(({ events }) => events.length > 0);
      assert.deepEqual(frame?.events.map(shown).sort(), [`delete ${dir}a`, `put ${dir}b=2`, `put ${dir}c=3`]);
      assert.equal((await read('b'))?.modRevision, revision);
      assert.equal((await read('c'))?.modRevision, revision);
    });

    it('deletes what is not there without a new revision', async () => {
      const { revision } = await kv.range(dir);
      const done = await kv.txn([], [{ op: 'delete', key: `${dir}none` }]);
      assert.deepEqual(done, { succeeded: true, revision });
    });

    it('refuses a key on an unknown lease, and writes nothing', async () => {
      await assert.rejects(put('k', 'v', 4242n), code('ETCD_FAILED'));
      assert.equal(await read('k'), undefined);
    });

    it('grants, renews, measures and revokes leases', async () => {
      const lease = await kv.grant(TTL);
      await put('a', '1', lease);
      await put('b', '2', lease);
      assert.equal((await read('a'))?.lease, lease);
      assert.equal(await kv.keepAliveOnce(lease), TTL);
      const { left, granted } = await kv.timeToLive(lease);
      assert.equal(granted, TTL);
      assert.ok(left > TTL / 2 && left <= TTL, `${left}`);
      await kv.revoke(lease);
      assert.deepEqual((await kv.range(dir)).kvs, []);
    });

    it('takes a lease that is gone as gone, whoever asks', async () => {
      const lease = await kv.grant(TTL);
      await kv.revoke(lease);
      await kv.revoke(lease);
      assert.equal(await kv.keepAliveOnce(lease), 0);
      assert.deepEqual(await kv.timeToLive(lease), { left: -1, granted: 0 });
    });

    it('deletes the keys of a lease that ran out, and tells the watchers', async () => {
      const lease = await kv.grant(subject.shortTtl);
      const watched = followStream(kv, dir, 0n);
      await watched.created();
      await put('k', 'v', lease);
      await subject.passTtl();
      await until('the delete event', () => watched.events().some(({ type }) => type === 'delete'));
      assert.deepEqual(watched.events().map(shown), [`put ${dir}k=v`, `delete ${dir}k`]);
      assert.equal(await kv.keepAliveOnce(lease), 0);
    });

    it('keeps a key that moved to another lease', async () => {
      const [former, present] = [await kv.grant(TTL), await kv.grant(TTL)];
      await put('k', 'v', former);
      await put('k', 'v', present);
      await kv.revoke(former);
      assert.equal((await read('k'))?.lease, present);
    });

    watchContract({
      kv: () => kv,
      dir: () => dir,
      put,
      open: () => subject.open(),
      compact: (revision) => subject.compact(revision),
    });

    it('knows the members and the leader', async () => {
      const [members, status] = [await kv.members(), await kv.status()];
      assert.equal(members.length, 1);
      assert.equal(members[0]?.id, status.memberId);
      assert.equal(status.leader, status.memberId);
      assert.equal(status.clusterId, (await kv.range(dir)).clusterId);
    });

    it('lets one of fifty win a key', async () => {
      const rivals = Array.from({ length: 50 }, (_, i) => {
        const guard = { target: 'create' as const, key: `${dir}k`, revision: 0n };
        return kv.txn([guard], [{ op: 'put', key: `${dir}k`, value: String(i) }]);
      });
      const won = (await Promise.all(rivals)).flatMap(({ succeeded }, i) => (succeeded ? [String(i)] : []));
      assert.deepEqual(won, [(await read('k'))?.value]);
    });
  });
}
