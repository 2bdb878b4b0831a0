/** The store on a real etcd, through both clients, and on the memory store: who wins, and what a lost answer does. */
import assert from 'node:assert/strict';
import { TsflannelError } from '../../src/errors.ts';
import { type Prefix, parsePrefix } from '../../src/model/address.ts';
import { openGrpcKv } from '../../src/store/etcd/kv.ts';
import { openEtcd3Kv } from '../../src/store/etcd3/kv.ts';
import type { Kv } from '../../src/store/kv.ts';
import { createMemoryEtcd } from '../../src/store/memory/etcd.ts';
import { openStore } from '../../src/store/store.ts';
import { createTestClock } from '../support/clock.ts';
import { startEtcd } from '../support/etcd.ts';
import { startRelay } from '../support/relay.ts';

/** How long a lost answer is waited for: an answer that is not lost comes before, on a busy machine too. */
const LOST_MS = 2_000;

interface Subject {
  open(): Kv;
  /** A client that loses the answer of each write that `losing` is on for. */
  openLossy(): { kv: Kv; losing: (on: boolean) => void };
  close(): Promise<void>;
}

const subnet = (text: string): Prefix => parsePrefix(text)!;

function suite(name: string, start: () => Promise<Subject>): void {
  describe(`store: ${name}`, () => {
    let subject: Subject;
    let round = 0;
    let prefix = '';
    const clients: Kv[] = [];
    const track = (kv: Kv): Kv => {
      clients.push(kv);
      return kv;
    };
    const open = () => openStore(track(subject.open()), prefix);

    before(async () => {
      subject = await start();
    });
    beforeEach(() => {
      prefix = `/net${++round}`;
    });
    afterEach(() => {
      for (const client of clients.splice(0)) client.close();
    });
    after(() => subject.close());

    it('writes the config only over what was read', async () => {
      const store = open();
      assert.equal(await store.config(), undefined);
      assert.equal(await store.putConfig('{"Network":"10.5.0.0/16"}', 0n), true);
      assert.equal(await store.putConfig('{"Network":"10.6.0.0/16"}', 0n), false);
      const read = await store.config();
      assert.ok(read?.parsed.ok);
      assert.equal(await store.putConfig('not json', read.modRevision), true);
      assert.equal(await store.putConfig('{"Network":"10.7.0.0/16"}', read.modRevision), false);
      const broken = await store.config();
      assert.equal(broken?.raw, 'not json');
      assert.equal(broken.parsed.ok, false);
    });

    it('gives fifty claimers fifty subnets, and leaves no etcd lease of a loser', async () => {
      const granted: bigint[] = [];
      const claimers = Array.from({ length: 50 }, (_, i) => {
        const kv = track(subject.open());
        const counted: Kv = {
          ...kv,
          grant: async (ttl) => {
            const lease = await kv.grant(ttl);
            granted.push(lease);
            return lease;
          },
        };
        return { store: openStore(counted, prefix), value: `{"PublicIP":"192.168.1.${i + 1}"}` };
      });
      const held = await Promise.all(
        claimers.map(async ({ store, value }, i) => {
          for (let tried = 0; tried < 60; tried++) {
            const third = ((i % 10) * 6 + tried) % 60;
            const won = await store.claim([subnet(`10.5.${third}.0/24`)], value, 60);
            if (won) return won;
          }
          throw new Error('no subnet was won');
        }),
      );
      assert.equal(new Set(held.map(({ key }) => key)).size, 50);
      const { kvs } = await open().snapshot();
      assert.deepEqual(
        kvs.map(({ key, lease, modRevision }) => ({ key, leaseId: lease, modRevision })),
        [...held].sort((a, b) => (a.key < b.key ? -1 : 1)),
      );
      const kv = track(subject.open());
      const alive = await Promise.all(granted.map(async (lease) => (await kv.timeToLive(lease)).left > 0));
      assert.equal(alive.filter(Boolean).length, 50);
    });

    it('keeps, rewrites and releases a lease, and only while it is its own', async () => {
      const store = open();
      const held = await store.claim([subnet('10.5.1.0/24')], 'one', 60);
      assert.ok(held);
      assert.equal(held.key, `${prefix}/subnets/10.5.1.0-24`);
      assert.equal(await store.keepAlive(held.leaseId), 60);
      const next = await store.update(held, 'two', held.leaseId);
      assert.ok(next);
      assert.equal(await store.update(held, 'three', held.leaseId), undefined);
      const read = await store.read(subnet('10.5.1.0/24'));
      assert.deepEqual([read?.value, read?.lease, read?.modRevision], ['two', next.leaseId, next.modRevision]);
      assert.equal(await store.release(held), false);
      assert.equal(await store.keepAlive(held.leaseId), 0);
      const again = await store.claim([subnet('10.5.1.0/24')], 'four', 60);
      assert.ok(again);
      assert.equal(await store.release(again), true);
      assert.equal(await store.read(subnet('10.5.1.0/24')), undefined);
    });

    it('does not touch a key that another node has taken over', async () => {
      const [ours, theirs] = [open(), open()];
      const held = await ours.claim([subnet('10.5.1.0/24')], 'ours', 60);
      assert.ok(held);
      const taken = await theirs.update(held, 'theirs', await theirs.grant(60));
      assert.ok(taken);
      assert.equal(await ours.update(held, 'ours again', held.leaseId), undefined);
      assert.equal(await ours.release(held), false);
      assert.equal((await theirs.read(subnet('10.5.1.0/24')))?.value, 'theirs');
    });

    it('keeps a reservation without a lease', async () => {
      const store = open();
      const held = await store.claim([subnet('10.5.1.0/24')], 'one', 60);
      assert.ok(held);
      const reserved = await store.update(held, 'reserved', 0n);
      await store.revoke(held.leaseId);
      assert.equal((await store.read(subnet('10.5.1.0/24')))?.value, 'reserved');
      assert.equal(reserved && (await store.release(reserved)), true);
    });

    it('reads back what happened when the answer to a claim is lost', async () => {
      const { kv, losing } = subject.openLossy();
      track(kv);
      const watched: Kv = {
        ...kv,
        txn: async (...args) => {
          // The connection must stand, or the request never leaves (the package has one for each service).
          await kv.range(prefix);
          losing(true);
          try {
            return await kv.txn(...args);
          } finally {
            losing(false);
          }
        },
      };
      const store = openStore(watched, prefix);
      const held = await store.claim([subnet('10.5.1.0/24')], 'ours', 60);
      const read = await open().read(subnet('10.5.1.0/24'));
      assert.deepEqual(held, { key: read?.key, leaseId: read?.lease, modRevision: read?.modRevision });
      assert.equal(read?.version, 1n, 'the write was repeated');
      assert.equal(await store.putConfig('{}', 0n), true);
      assert.equal((await open().config())?.raw, '{}');
      assert.equal(held && (await store.release(held)), true);
      assert.equal(await open().read(subnet('10.5.1.0/24')), undefined);
    });

    it('knows a lost answer from a lost race', async () => {
      const { kv, losing } = subject.openLossy();
      track(kv);
      const rival = open();
      const watched: Kv = {
        ...kv,
        txn: async (...args) => {
          await rival.claim([subnet('10.5.1.0/24')], 'theirs', 60);
          losing(true);
          try {
            return await kv.txn(...args);
          } finally {
            losing(false);
          }
        },
      };
      let lease = 0n;
      const store = openStore({ ...watched, grant: async (ttl) => (lease = await kv.grant(ttl)) }, prefix);
      await assert.rejects(
        store.claim([subnet('10.5.1.0/24')], 'ours', 60),
        (error) => error instanceof TsflannelError && error.code === 'ETCD_TIMEOUT',
      );
      assert.equal((await rival.read(subnet('10.5.1.0/24')))?.value, 'theirs');
      assert.equal((await subject.open().timeToLive(lease)).left, -1);
    });
  });
}

suite('memory', async () => {
  const etcd = createMemoryEtcd(createTestClock());
  return {
    open: () => etcd.client(),
    openLossy: () => ({ kv: etcd.client(), losing: (on) => etcd.loseAnswers(on ? 1 : 0) }),
    close: async () => undefined,
  };
});

for (const [name, openKv] of [
  ['our transport', openGrpcKv],
  ['the etcd3 package', openEtcd3Kv],
] as const) {
  suite(name, async () => {
    const etcd = await startEtcd();
    const relay = await startRelay(etcd.port);
    return {
      open: () => openKv({ endpoints: [etcd.endpoint], timeoutMs: 30_000 }),
      openLossy: () => ({
        kv: openKv({ endpoints: [`http://127.0.0.1:${relay.port}`], timeoutMs: LOST_MS }),
        losing: (on) => relay.swallowAnswers(on),
      }),
      close: async () => {
        await relay.close();
        await etcd.close();
      },
    };
  });
}
