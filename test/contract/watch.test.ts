/** What reaches the view when the link, etcd or its data fail: the watcher on a real etcd, through both clients. */
import assert from 'node:assert/strict';
import { systemClock } from '../../src/model/clock.ts';
import { openGrpcKv } from '../../src/store/etcd/kv.ts';
import { openEtcd3Kv } from '../../src/store/etcd3/kv.ts';
import type { Kv, KvOptions } from '../../src/store/kv.ts';
import { type Watcher, type WatchState, watchPrefix } from '../../src/store/watcher.ts';
import { addUsers, startEtcd, type TestEtcd } from '../support/etcd.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

/** A watcher with everything it told; `events` as `key=value` and `-key`. */
function follow(kv: Kv, prefix: string) {
  const events: string[] = [];
  const snapshots: string[][] = [];
  const states: WatchState[] = [];
  const watcher: Watcher = watchPrefix(kv, prefix, {
    clock: systemClock,
    random: Math.random,
    onSnapshot: (kvs) =>
      snapshots.push(kvs.map(({ key, value }) => `${key.slice(prefix.length)}=${value.slice(0, 20)}`)),
    onEvents: (told) => {
      for (const event of told)
        events.push(
          event.type === 'put'
            ? `${event.kv.key.slice(prefix.length)}=${event.kv.value.slice(0, 20)}`
            : `-${event.key.slice(prefix.length)}`,
        );
    },
    onState: (state) => states.push(state),
  });
  return { watcher, events, snapshots, states, connected: () => states.at(-1)?.connected === true };
}

function suite(name: string, openKv: (options: KvOptions) => Kv): void {
  describe(`watch through faults: ${name}`, () => {
    let etcd: TestEtcd;
    let relay: Relay;
    let direct: Kv;
    const open: { close(): void }[] = [];
    const put = (key: string, value: string) => direct.txn([], [{ op: 'put', key, value }]);

    function watch(prefix: string, more: Partial<KvOptions> = {}) {
      const kv = openKv({ endpoints: [`http://127.0.0.1:${relay.port}`], timeoutMs: 1_000, ...more });
      const followed = follow(kv, prefix);
      open.push({
        close() {
          followed.watcher.close();
          kv.close();
        },
      });
      return followed;
    }

    beforeEach(async () => {
      etcd = await startEtcd();
      relay = await startRelay(etcd.port);
      direct = openGrpcKv({ endpoints: [etcd.endpoint], timeoutMs: 30_000 });
    });
    afterEach(async () => {
      for (const each of open.splice(0)) each.close();
      direct.close();
      await relay.close();
      await etcd.close();
    });

    it('loses nothing and repeats nothing over four cuts and more while it catches up on 3,000 events', async () => {
      const followed = watch('/k/');
      await followed.watcher.ready;
      await until('connected', followed.connected);
      relay.refuse(true);
      relay.cut();
      const body = 'x'.repeat(1_000);
      for (let i = 0; i < 3_000; i += 200)
        await Promise.all(Array.from({ length: 200 }, (_, j) => put(`/k/${i + j}`, `${i + j} ${body}`)));
      const before = relay.cuts();
      relay.refuse(false);
      // etcd sends what was missed in frames of 1,000 revisions, here 1 MB: some cuts fall into the first, some into later ones.
      for (let cut = 0; cut < 6; cut++) {
        relay.cutAfter(400_000 + cut * 200_000);
        // What is left may be less than the next cut waits for.
        await until(`cut ${cut}`, () => relay.cuts() > before + cut || followed.events.length >= 3_000);
      }
      assert.ok(relay.cuts() - before >= 4, `${relay.cuts() - before} cuts`);
      await until('3,000 events', () => followed.events.length >= 3_000);
      await put('/k/last', 'end');
      await until('the last', () => followed.events.at(-1) === 'last=end');
      assert.equal(followed.events.length, 3_001);
      assert.equal(new Set(followed.events).size, 3_001);
      assert.equal(followed.snapshots.length, 1);
    });

    it('comes back with what it missed when etcd was stopped', async () => {
      const followed = watch('/k/');
      await until('connected', followed.connected);
      await put('/k/a', '1');
      await until('a', () => followed.events.length === 1);
      await etcd.stop();
      await until('disconnected', () => !followed.connected());
      await etcd.start();
      await put('/k/b', '2');
      await until('b', () => followed.events.length === 2);
      assert.deepEqual(followed.events, ['a=1', 'b=2']);
      assert.equal(followed.snapshots.length, 1);
      assert.ok(followed.connected());
    });

    it('lists again when what it missed was compacted', async () => {
      const followed = watch('/k/');
      await put('/k/a', '1');
      await until('connected', followed.connected);
      await until('a', () => followed.events.length + followed.snapshots.flat().length === 1);
      relay.refuse(true);
      relay.cut();
      await until('disconnected', () => !followed.connected());
      await put('/k/b', '2');
      const { revision } = await put('/k/b', '3');
      await etcd.ctl('compact', String(revision));
      relay.refuse(false);
      await until('a second list', () => followed.snapshots.length === 2);
      assert.deepEqual(followed.snapshots.at(-1), ['a=1', 'b=3']);
      await put('/k/c', '4');
      await until('c', () => followed.events.at(-1) === 'c=4');
    });

    it('lists again when the store was wiped, though it is the same cluster to etcd', async () => {
      for (let i = 0; i < 5; i++) await put('/k/a', String(i));
      const followed = watch('/k/');
      await until('connected', followed.connected);
      const { clusterId } = await direct.range('/k/');
      await etcd.stop();
      await etcd.wipe();
      await etcd.start();
      for (let i = 0; i < 20; i++) await put('/k/b', String(i));
      await until('a second list', () => followed.snapshots.length === 2);
      assert.deepEqual(
        followed.snapshots.at(-1)?.filter((line) => !line.startsWith('b=')),
        [],
      );
      assert.equal((await direct.range('/k/')).clusterId, clusterId);
      await put('/k/c', '1');
      await until('c', () => followed.events.at(-1) === 'c=1');
    });

    it('survives a restart of etcd with authentication on', async () => {
      await addUsers(etcd);
      await etcd.ctl('auth', 'enable');
      const root = openGrpcKv({ endpoints: [etcd.endpoint], timeoutMs: 30_000, username: 'root', password: 'secret' });
      open.push(root);
      const followed = watch('/k/', { username: 'flannel', password: 'canary-77' });
      await until('connected', followed.connected);
      await etcd.stop();
      await until('disconnected', () => !followed.connected());
      await etcd.start();
      await root.txn([], [{ op: 'put', key: '/k/a', value: '1' }]);
      await until('a', () => followed.events.length === 1);
      await until('connected', followed.connected);
      assert.equal(followed.snapshots.length, 1);
    });

    it('notices a link that is silent, and comes back', async () => {
      const followed = watch('/k/');
      await until('connected', followed.connected);
      relay.swallow(true);
      const begun = performance.now();
      await until('disconnected', () => !followed.connected());
      assert.ok(performance.now() - begun < 45_000);
      relay.cut();
      relay.swallow(false);
      await put('/k/a', '1');
      await until('a', () => followed.events.length === 1);
    });
  });
}

suite('our transport', openGrpcKv);
suite('the etcd3 package', openEtcd3Kv);
