import assert from 'node:assert/strict';
import { createWatching, PREFIX, type Watching } from '../../support/watching.ts';

describe('watcher', () => {
  let w: Watching;
  beforeEach(() => {
    w = createWatching();
  });
  afterEach(() => w.end());

  it('hands up a snapshot, then events', async () => {
    await w.put('a', '1');
    await w.start().ready;
    assert.deepEqual(await w.news(), ['list a=1']);
    await w.put('b', '2');
    await w.drop('a');
    assert.deepEqual(await w.news(), ['put b=2', 'delete a']);
    assert.deepEqual(w.states, [{ connected: true }]);
  });

  it('continues after a snapshot that is known already', async () => {
    await w.put('a', '1');
    const after = await w.etcd.client().range(PREFIX);
    await w.put('b', '2');
    await w.start({ after }).ready;
    assert.deepEqual(await w.news(), ['put b=2']);
  });

  it('loses nothing and repeats nothing when streams are cut', async () => {
    w.start();
    await w.news();
    const expected: string[] = [];
    for (let i = 0; i < 50; i++) {
      if (i % 7 === 3) w.etcd.cutStreams();
      await w.put(`k${i}`, String(i));
      expected.push(`put k${i}=${i}`);
      if (i % 11 === 5) await w.clock.advance(200);
    }
    await w.clock.advance(3_000);
    assert.deepEqual(await w.news(), expected);
  });

  it('says since when and why it is cut off, once, and pauses longer each time', async () => {
    w.start();
    await w.news();
    await w.clock.advance(1_000);
    w.etcd.setUp(false);
    await w.clock.advance(10_000);
    w.etcd.setUp(true);
    await w.put('a', '1');
    await w.clock.advance(2_000);
    assert.deepEqual(await w.news(), ['put a=1']);
    assert.equal(w.states.length, 4);
    const [up, cut, down, again] = w.states;
    assert.deepEqual([up, again], [{ connected: true }, { connected: true }]);
    assert.ok(cut?.connected === false && down?.connected === false && cut.since === 1_000 && down.since === 1_000);
  });

  it('lists again when what it missed was compacted', async () => {
    await w.put('a', '1');
    w.start();
    await w.news();
    w.etcd.setUp(false);
    await w.clock.advance(50);
    w.etcd.setUp(true);
    await w.put('b', '2');
    await w.drop('a');
    w.etcd.compact(w.etcd.revision());
    await w.clock.advance(3_000);
    assert.deepEqual(await w.news(), ['list b=2']);
    await w.put('c', '3');
    assert.deepEqual(await w.news(), ['put c=3']);
  });

  it('lists again when the store was wiped', async () => {
    for (let i = 0; i < 20; i++) await w.put('a', String(i));
    w.start();
    await w.news();
    w.etcd.wipe();
    await w.put('b', '1');
    await w.clock.advance(3_000);
    assert.deepEqual(await w.news(), ['list b=1']);
  });

  it('knows another store by its keys, though cluster id and revision fit', async () => {
    await w.put('a', '1');
    w.start();
    await w.news();
    w.etcd.wipe({ sameCluster: true });
    for (const key of ['x', 'y', 'z']) await w.put(key, '1');
    await w.clock.advance(3_000);
    assert.deepEqual(await w.news(), ['list x=1 y=1 z=1']);
  });

  it('knows an older backup of the store, though cluster id and revision fit', async () => {
    await w.put('a', '1');
    const restore = w.etcd.backup();
    await w.put('b', '1');
    w.start();
    await w.news();
    await w.drop('b');
    restore({ sameCluster: true });
    await w.put('c', '1');
    await w.put('c', '2');
    await w.clock.advance(3_000);
    assert.deepEqual(await w.news(), ['delete b', 'list a=1 c=2']);
  });

  it('knows an older backup by a key that was deleted since', async () => {
    await w.put('b', '1');
    await w.put('a', '1');
    w.start();
    await w.news();
    const restore = w.etcd.backup();
    await w.drop('b');
    await w.news();
    restore({ sameCluster: true });
    await w.put('c', '1');
    await w.clock.advance(3_000);
    assert.deepEqual(await w.news(), ['list a=1 b=1 c=1']);
  });

  it('knows an older backup by a key that is back, though the one deleted last is deleted there too', async () => {
    for (const key of ['a', 'b', 'c']) await w.put(key, '1');
    const restore = w.etcd.backup();
    w.start();
    await w.news();
    await w.drop('a');
    await w.drop('b');
    await w.news();
    restore({ sameCluster: true });
    await w.drop('b');
    for (const value of ['1', '2', '3']) await w.put('d', value);
    await w.clock.advance(3_000);
    assert.deepEqual(await w.news(), ['list a=1 c=1 d=3']);
  });

  it('does not list again when streams are cut, whatever was written and deleted before and meanwhile', async () => {
    for (const key of ['a', 'b', 'c']) await w.put(key, '1');
    w.start();
    await w.news();
    await w.drop('c');
    await w.drop('a');
    await w.news();
    w.etcd.cutStreams();
    await w.put('a', '2');
    await w.drop('b');
    await w.clock.advance(3_000);
    assert.deepEqual(await w.news(), ['put a=2', 'delete b']);
  });

  it('says nothing more after close, in whatever state it is', async () => {
    w.start().close();
    await w.put('a', '1');
    await w.clock.advance(1_000);
    assert.deepEqual(await w.news(), []);
    w.etcd.setUp(false);
    const watcher = w.start();
    await w.clock.advance(50);
    watcher.close();
    const { length } = w.states;
    w.etcd.setUp(true);
    await w.clock.advance(5_000);
    assert.deepEqual(await w.news(), []);
    assert.equal(w.states.length, length);
  });
});
