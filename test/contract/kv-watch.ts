import assert from 'node:assert/strict';
import type { Kv, TxnResult, WatchEvent, WatchFrame, WatchStream } from '../../src/store/kv.ts';
import { until } from '../support/until.ts';

/** A stream with everything it said. */
export function followStream(kv: Kv, prefix: string, from: bigint) {
  const frames: WatchFrame[] = [];
  const ends: (Error | undefined)[] = [];
  const stream: WatchStream = kv.watchStream(
    prefix,
    from,
    (frame) => frames.push(frame),
    (error) => ends.push(error),
  );
  const events = (): WatchEvent[] => frames.flatMap((frame) => [...frame.events]);
  return { stream, frames, ends, events, created: () => until('created', () => frames.some((frame) => frame.created)) };
}

/** One event as a line. */
export const shown = (event: WatchEvent): string =>
  event.type === 'put' ? `put ${event.kv.key}=${event.kv.value}` : `delete ${event.key}`;

/** What the watch part of the suite works on; each test has a folder of keys of its own. */
export interface WatchContext {
  kv(): Kv;
  dir(): string;
  put(key: string, value: string): Promise<TxnResult>;
  open(): Kv;
  compact(revision: bigint): Promise<void>;
}

/** The part of the Kv contract that is about streams. */
export function watchContract(c: WatchContext): void {
  it('watches from now on, under its prefix only', async () => {
    await c.put('a', 'before');
    const watched = followStream(c.kv(), `${c.dir()}a`, 0n);
    await watched.created();
    const { revision } = await c.kv().range(c.dir());
    assert.equal(watched.frames[0]?.revision, revision);
    await c.put('b', 'elsewhere');
    const last = await c.put('a', 'after');
    await c.kv().txn([], [{ op: 'delete', key: `${c.dir()}a` }]);
    await until('two events', () => watched.events().length === 2);
    assert.deepEqual(watched.events().map(shown), [`put ${c.dir()}a=after`, `delete ${c.dir()}a`]);
    const [first, second] = watched.events();
    assert.deepEqual(first?.type === 'put' && [first.kv.modRevision, first.kv.version], [last.revision, 2n]);
    assert.equal(second?.type === 'delete' && second.modRevision, last.revision + 1n);
  });

  it('replays history from a revision, in order, then goes on', async () => {
    const { revision } = await c.put('k', '0');
    for (let i = 1; i < 50; i++) await c.put('k', String(i));
    const watched = followStream(c.kv(), c.dir(), revision + 10n);
    await watched.created();
    await c.put('k', 'last');
    await until('41 events', () => watched.events().length === 41);
    const values = watched.events().map((event) => event.type === 'put' && event.kv.value);
    assert.deepEqual(values, [...Array.from({ length: 40 }, (_, i) => String(i + 10)), 'last']);
  });

  it('says when the history asked for was compacted', async () => {
    const { revision } = await c.put('k', '1');
    const { revision: later } = await c.put('k', '2');
    await c.compact(later);
    const watched = followStream(c.kv(), c.dir(), revision);
    await until('canceled', () => watched.frames.some((frame) => frame.canceled));
    assert.equal(watched.frames.at(-1)?.compactRevision, later);
    assert.deepEqual(watched.events(), []);
  });

  it('says which revision it is at when a later one is asked for', async () => {
    const { revision } = await c.put('k', '1');
    const watched = followStream(c.kv(), c.dir(), revision + 100n);
    await watched.created();
    assert.equal(watched.frames[0]?.revision, revision);
  });

  it('ends a stream once, without an error, when it is closed', async () => {
    const watched = followStream(c.kv(), c.dir(), 0n);
    await watched.created();
    watched.stream.close();
    watched.stream.close();
    assert.deepEqual(watched.ends, [undefined]);
    await c.put('k', 'v');
    await c.kv().range(c.dir());
    assert.deepEqual(watched.events(), []);
  });

  it('ends its streams when the client is closed, before they began too', async () => {
    const other = c.open();
    const watched = followStream(other, c.dir(), 0n);
    await watched.created();
    const young = followStream(other, c.dir(), 0n);
    other.close();
    assert.deepEqual([watched.ends, young.ends], [[undefined], [undefined]]);
  });
}
