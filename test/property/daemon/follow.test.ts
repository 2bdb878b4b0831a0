/** Whatever a transport does to the order of what etcd tells, in the end a node believes what etcd says (reliability, row 9). */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { follow } from '../../../src/daemon/follow.ts';
import type { Kv, WatchFrame } from '../../../src/store/kv.ts';
import { createMemoryEtcd, type MemoryEtcd } from '../../../src/store/memory/etcd.ts';
import { networkIn } from '../../../src/store/network.ts';
import { openStore } from '../../../src/store/store.ts';
import { createView, type View } from '../../../src/store/view.ts';
import { createTestClock, settle, type TestClock } from '../../support/clock.ts';
import { leaseValue, NET } from '../../support/kvs.ts';
import { overwrite } from '../../support/lease.ts';

/** TSFLANNEL_ORDERS: how many stories are tried. */
const RUNS = Number(process.env.TSFLANNEL_ORDERS ?? 2_000);

const cell = fc.integer({ min: 2, max: 9 });
const write = fc.record({
  subnets: fc.uniqueArray(cell, { minLength: 1, maxLength: 4 }),
  kind: fc.constantFrom('put' as const, 'put' as const, 'delete' as const, 'bad' as const),
  /** How long until the next one, and whether all streams break, or history is compacted, before it. */
  waitMs: fc.constantFrom(0, 0, 1, 20, 300),
  before: fc.constantFrom(
    'nothing' as const,
    'nothing' as const,
    'nothing' as const,
    'cut' as const,
    'compact' as const,
  ),
});
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;

/** What becomes of one frame: when each of its copies arrives, and whether its events come one by one. */
const fate = fc.record({ arrivals: fc.array(fc.nat(50), { minLength: 1, maxLength: 3 }), isSplit: fc.boolean() });
type Fate = typeof fate extends fc.Arbitrary<infer T> ? T : never;

const parts = (frame: WatchFrame, isSplit: boolean): WatchFrame[] =>
  isSplit && frame.events.length > 1 ? frame.events.map((event) => ({ ...frame, events: [event] })) : [frame];

/** Nothing is lost, and a stream ends after all it had; else anything goes. */
function disorderly(kv: Kv, clock: TestClock, fates: readonly Fate[]): Kv {
  let count = 0;
  return {
    ...kv,
    watchStream(prefix, from, onFrame, onEnd) {
      const onFate = (frame: WatchFrame): void => {
        const { arrivals, isSplit } = fates[count++ % fates.length] as Fate;
        for (const [i, ms] of arrivals.entries())
          for (const part of parts(frame, isSplit)) clock.after(ms + (isSplit ? i : 0), () => onFrame(part));
      };
      return kv.watchStream(prefix, from, onFate, (error) => void clock.after(60, () => onEnd(error)));
    },
  };
}

const announced = (subnet: number, revision: bigint): string =>
  leaseValue(`192.168.${subnet}.${1 + Number(revision % 200n)}`);

async function carryOut(etcd: MemoryEtcd, { subnets, kind, before }: Write): Promise<void> {
  if (before === 'cut') etcd.cutStreams();
  if (before === 'compact') etcd.compact(etcd.revision());
  const ops = subnets.map((subnet) => {
    const key = `${NET}/subnets/10.5.${subnet}.0-24`;
    if (kind === 'delete') return { op: 'delete' as const, key };
    return { op: 'put' as const, key, value: kind === 'bad' ? '{}' : announced(subnet, etcd.revision()) };
  });
  await etcd.client().txn([], ops);
}

const shown = (view: View) => ({
  leases: [...view.leases()].map(([key, { etcd }]) => [key, etcd.modified]).sort(),
  refused: [...view.rejections()].map(([key, { code }]) => [key, code]).sort(),
});

async function story(writes: readonly Write[], fates: readonly Fate[]): Promise<void> {
  const clock = createTestClock();
  const etcd = createMemoryEtcd(clock);
  await overwrite(etcd, 'config', '{"Network":"10.5.0.0/16"}');
  const store = openStore(disorderly(etcd.client(), clock, fates), NET);
  const first = await store.snapshot();
  const network = networkIn(first.kvs, NET);
  const follower = await follow({ store, clock, random: () => 0.5 }, { first }, network);
  const peers = new Map<string, string>();
  follower.start({
    changed({ leases }) {
      const now = follower.peers('none');
      for (const key of leases) {
        const lease = now.get(key);
        if (lease) peers.set(key, lease.etcd.modified);
        else peers.delete(key);
      }
    },
    replaced: () => assert.fail('it is the same store'),
    log: () => undefined,
  });
  for (const each of writes) {
    await carryOut(etcd, each);
    await clock.advance(each.waitMs);
  }
  await clock.advance(30_000);
  const now = await etcd.client().range(`${NET}/`);
  const view = createView(NET, network);
  view.reset(now.kvs);
  assert.deepEqual(shown(follower.view), shown(view));
  assert.deepEqual([...peers].sort(), shown(view).leases);
  assert.deepEqual(
    [...follower.seen().kvs].sort((a, b) => (a.key < b.key ? -1 : 1)),
    now.kvs,
  );
  assert.equal(follower.connection().connected, true);
  follower.close();
  await settle();
}

describe('following etcd', () => {
  it('ends with what etcd says, for every order, repetition and division of what was told', async () => {
    const stories = fc.tuple(fc.array(write, { maxLength: 12 }), fc.array(fate, { minLength: 1, maxLength: 8 }));
    await fc.assert(
      fc.asyncProperty(stories, ([writes, fates]) => story(writes, fates)),
      { numRuns: RUNS },
    );
  }).timeout(120_000);
});
