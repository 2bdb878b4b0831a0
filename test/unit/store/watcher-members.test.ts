import assert from 'node:assert/strict';
import type { Kv, WatchFrame } from '../../../src/store/kv.ts';
import { createWatching, type Watching } from '../../support/watching.ts';

describe('watcher, on members that are late, lag, or say nothing', () => {
  let w: Watching;
  beforeEach(() => {
    w = createWatching();
  });
  afterEach(() => w.end());

  it('backs off from 0.1 s to 2 s', async () => {
    const calls: number[] = [];
    const kv = w.etcd.client();
    const counted: Kv = {
      ...kv,
      range: (...args) => {
        calls.push(w.clock.now());
        return kv.range(...args);
      },
    };
    w.etcd.setUp(false);
    w.start({}, counted);
    await w.clock.advance(12_000);
    const pauses = calls.slice(1).map((at, i) => at - (calls[i] ?? 0));
    assert.deepEqual(pauses.slice(0, 8), [100, 200, 400, 800, 1600, 2000, 2000, 2000]);
  });

  it('waits for a member that lags behind instead of listing for ever', async () => {
    for (let i = 0; i < 5; i++) await w.put('a', String(i));
    const kv = w.etcd.client();
    let lagging = true;
    let lists = 0;
    const lagged: Kv = {
      ...kv,
      range: (prefix, options) => {
        if (!options?.keysOnly) lists++;
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
    w.start({}, lagged);
    await w.clock.advance(5_000);
    assert.equal(lists, 1);
    lagging = false;
    await w.put('b', '1');
    await w.clock.advance(3_000);
    assert.deepEqual(await w.news(), ['list a=4', 'put b=1']);
  });

  it('gives up a stream that is never confirmed', async () => {
    const kv = w.etcd.client();
    let opened = 0;
    const mute: Kv = {
      ...kv,
      watchStream: (...args) => {
        opened++;
        return opened > 1 ? kv.watchStream(...args) : { close: () => undefined };
      },
    };
    w.start({}, mute);
    await w.clock.advance(6_000);
    await w.put('a', '1');
    assert.deepEqual(await w.news(), ['list', 'put a=1']);
    assert.equal(opened, 2);
  });

  it('drops what a lagging member sends again', async () => {
    await w.put('a', '1');
    const kv = w.etcd.client();
    const repeating: Kv = {
      ...kv,
      watchStream: (prefix, _from, onFrame, onEnd) => kv.watchStream(prefix, 1n, onFrame, onEnd),
    };
    w.start({}, repeating);
    assert.deepEqual(await w.news(), ['list a=1']);
    await w.put('b', '2');
    assert.deepEqual(await w.news(), ['put b=2']);
  });

  it('moves on with progress notifications, so that a later compaction does not matter', async () => {
    await w.put('a', '1');
    const kv = w.etcd.client();
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
    w.start({}, progressing);
    await w.news();
    for (let i = 0; i < 50; i++) await w.etcd.client().txn([], [{ op: 'put', key: '/elsewhere', value: 'v' }]);
    w.etcd.cutStreams();
    await w.clock.advance(1_000);
    assert.deepEqual(from, [3n, 41n]);
  });

  for (const [how, order] of [
    ['repeated', [0, 1, 1]],
    ['out of order', [1, 0]],
  ] as const)
    it(`lists again when changes come ${how} on one stream`, async () => {
      await w.put('a', '0');
      const kv = w.etcd.client();
      const held: WatchFrame[] = [];
      const strange: Kv = {
        ...kv,
        watchStream: (prefix, from, onFrame, onEnd) =>
          kv.watchStream(
            prefix,
            from,
            (frame) => {
              if (frame.created) onFrame(frame);
              else if (held.push(frame) === 2) for (const i of order) onFrame(held[i] as WatchFrame);
            },
            onEnd,
          ),
      };
      w.start({}, strange);
      await w.news();
      await w.put('a', '1');
      await w.put('b', '1');
      await w.clock.advance(1_000);
      assert.equal((await w.news()).at(-1), 'list a=1 b=1');
      assert.deepEqual(
        w.states.map(({ connected }) => connected),
        [true, false, true],
      );
    });
});
