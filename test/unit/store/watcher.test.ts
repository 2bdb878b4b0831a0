import assert from 'node:assert/strict';
import type { Kv } from '../../../src/store/kv.ts';
import { createMemoryEtcd, type MemoryEtcd } from '../../../src/store/memory/etcd.ts';
import { type Watcher, type WatcherOptions, type WatchState, watchPrefix } from '../../../src/store/watcher.ts';
import { createTestClock, settle, type TestClock } from '../../support/clock.ts';

const PREFIX = '/net/';

interface Told {
  /** `list k=v …` and `put k=v`, `delete k`, in order. */
  readonly lines: string[];
  readonly states: WatchState[];
}

describe('watcher', () => {
  let clock: TestClock;
  let etcd: MemoryEtcd;
  let writer: Kv;
  let watcher: Watcher;
  let told: Told;

  const put = (key: string, value: string) => writer.txn([], [{ op: 'put', key: PREFIX + key, value }]);
  const drop = (key: string) => writer.txn([], [{ op: 'delete', key: PREFIX + key }]);
  const short = (key: string): string => key.slice(PREFIX.length);

  function start(more: Partial<WatcherOptions> = {}, kv = etcd.client()): void {
    told = { lines: [], states: [] };
    const { lines, states } = told;
    watcher = watchPrefix(kv, PREFIX, {
      clock,
      random: () => 0.5,
      onSnapshot: (kvs) => lines.push(['list', ...kvs.map((each) => `${short(each.key)}=${each.value}`)].join(' ')),
      onEvents: (events) =>
        lines.push(
          ...events.map((event) =>
            event.type === 'put' ? `put ${short(event.kv.key)}=${event.kv.value}` : `delete ${short(event.key)}`,
          ),
        ),
      onState: (state) => states.push(state),
      ...more,
    });
  }
  /** What was told since the last look. */
  async function news(): Promise<string[]> {
    await settle();
    return told.lines.splice(0);
  }

  beforeEach(() => {
    clock = createTestClock();
    etcd = createMemoryEtcd(clock);
    writer = etcd.client();
  });
  afterEach(async () => {
    watcher.close();
    await settle();
    assert.equal(etcd.openStreams(), 0, 'a stream was left open');
    assert.equal(clock.pending(), 0, 'a timer was left behind');
  });

  it('hands up a snapshot, then events', async () => {
    await put('a', '1');
    start();
    await watcher.ready;
    assert.deepEqual(await news(), ['list a=1']);
    await put('b', '2');
    await drop('a');
    assert.deepEqual(await news(), ['put b=2', 'delete a']);
    assert.deepEqual(told.states, [{ connected: true }]);
  });

  it('continues after a snapshot that is known already', async () => {
    await put('a', '1');
    const after = await writer.range(PREFIX);
    await put('b', '2');
    start({ after });
    await watcher.ready;
    assert.deepEqual(await news(), ['put b=2']);
  });

  it('loses nothing and repeats nothing when streams are cut', async () => {
    start();
    await news();
    const expected: string[] = [];
    for (let i = 0; i < 50; i++) {
      if (i % 7 === 3) etcd.cutStreams();
      await put(`k${i}`, String(i));
      expected.push(`put k${i}=${i}`);
      if (i % 11 === 5) await clock.advance(200);
    }
    await clock.advance(3_000);
    assert.deepEqual(await news(), expected);
  });

  it('says since when and why it is cut off, once, and pauses longer each time', async () => {
    start();
    await news();
    await clock.advance(1_000);
    etcd.setUp(false);
    await clock.advance(10_000);
    etcd.setUp(true);
    await put('a', '1');
    await clock.advance(2_000);
    assert.deepEqual(await news(), ['put a=1']);
    assert.equal(told.states.length, 4);
    const [up, cut, down, again] = told.states;
    assert.deepEqual([up, again], [{ connected: true }, { connected: true }]);
    assert.ok(cut?.connected === false && down?.connected === false && cut.since === 1_000 && down.since === 1_000);
  });

  it('backs off from 0.1 s to 2 s', async () => {
    const calls: number[] = [];
    const kv = etcd.client();
    const counted: Kv = {
      ...kv,
      range: (...args) => {
        calls.push(clock.now());
        return kv.range(...args);
      },
    };
    etcd.setUp(false);
    start({}, counted);
    await clock.advance(12_000);
    const pauses = calls.slice(1).map((at, i) => at - (calls[i] ?? 0));
    assert.deepEqual(pauses.slice(0, 8), [100, 200, 400, 800, 1600, 2000, 2000, 2000]);
  });

  it('lists again when what it missed was compacted', async () => {
    await put('a', '1');
    start();
    await news();
    etcd.setUp(false);
    await clock.advance(50);
    etcd.setUp(true);
    await put('b', '2');
    await drop('a');
    etcd.compact(etcd.revision());
    await clock.advance(3_000);
    assert.deepEqual(await news(), ['list b=2']);
    await put('c', '3');
    assert.deepEqual(await news(), ['put c=3']);
  });

  it('lists again when the store was wiped', async () => {
    for (let i = 0; i < 20; i++) await put('a', String(i));
    start();
    await news();
    etcd.wipe();
    await put('b', '1');
    await clock.advance(3_000);
    assert.deepEqual(await news(), ['list b=1']);
  });

  it('knows another store by its newest key, though cluster id and revision fit', async () => {
    await put('a', '1');
    start();
    await news();
    etcd.wipe({ sameCluster: true });
    for (const key of ['x', 'y', 'z']) await put(key, '1');
    await clock.advance(3_000);
    assert.deepEqual(await news(), ['list x=1 y=1 z=1']);
  });

  it('waits for a member that lags behind instead of listing for ever', async () => {
    for (let i = 0; i < 5; i++) await put('a', String(i));
    const kv = etcd.client();
    let lagging = true;
    let lists = 0;
    const lagged: Kv = {
      ...kv,
      range: (prefix, options) => {
        if (prefix === PREFIX) lists++;
        return kv.range(prefix, options);
      },
      watchStream: (prefix, from, onFrame, onEnd) =>
        kv.watchStream(
          prefix,
          from,
          (frame) => onFrame(lagging && frame.created ? { ...frame, revision: 3n } : frame),
          onEnd,
        ),
    };
    start({}, lagged);
    await clock.advance(5_000);
    assert.equal(lists, 1);
    lagging = false;
    await put('b', '1');
    await clock.advance(3_000);
    assert.deepEqual(await news(), ['list a=4', 'put b=1']);
  });

  it('gives up a stream that is never confirmed', async () => {
    const kv = etcd.client();
    let opened = 0;
    const mute: Kv = {
      ...kv,
      watchStream: (...args) => {
        opened++;
        return opened > 1 ? kv.watchStream(...args) : { close: () => undefined };
      },
    };
    start({}, mute);
    await clock.advance(6_000);
    await put('a', '1');
    assert.deepEqual(await news(), ['list', 'put a=1']);
    assert.equal(opened, 2);
  });

  it('drops what a lagging member sends again', async () => {
    await put('a', '1');
    const kv = etcd.client();
    const repeating: Kv = {
      ...kv,
      watchStream: (prefix, _from, onFrame, onEnd) => kv.watchStream(prefix, 1n, onFrame, onEnd),
    };
    start({}, repeating);
    assert.deepEqual(await news(), ['list a=1']);
    await put('b', '2');
    assert.deepEqual(await news(), ['put b=2']);
  });

  it('says nothing more after close, in whatever state it is', async () => {
    start();
    watcher.close();
    await put('a', '1');
    await clock.advance(1_000);
    assert.deepEqual(await news(), []);
    etcd.setUp(false);
    start();
    await clock.advance(50);
    watcher.close();
    const { length } = told.states;
    etcd.setUp(true);
    await clock.advance(5_000);
    assert.deepEqual(await news(), []);
    assert.equal(told.states.length, length);
  });

  it('moves on with progress notifications, so that a later compaction does not matter', async () => {
    await put('a', '1');
    const kv = etcd.client();
    const from: bigint[] = [];
    const progressing: Kv = {
      ...kv,
      watchStream: (prefix, start, onFrame, onEnd) => {
        from.push(start);
        return kv.watchStream(
          prefix,
          start,
          (frame) => {
            onFrame(frame);
            if (frame.created) onFrame({ ...frame, created: false, revision: 40n });
          },
          onEnd,
        );
      },
    };
    start({}, progressing);
    await news();
    for (let i = 0; i < 50; i++) await writer.txn([], [{ op: 'put', key: '/elsewhere', value: 'v' }]);
    etcd.cutStreams();
    await clock.advance(1_000);
    assert.deepEqual(from, [3n, 41n]);
  });
});
