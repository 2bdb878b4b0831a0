import assert from 'node:assert/strict';
import type { Kv, TxnResult } from '../../src/store/kv.ts';
import { createMemoryEtcd, type MemoryEtcd } from '../../src/store/memory/etcd.ts';
import { type Watcher, type WatcherOptions, type WatchState, watchPrefix } from '../../src/store/watcher.ts';
import { createTestClock, settle, type TestClock } from './clock.ts';

/** The prefix that is watched. */
export const PREFIX = '/net/';

/** A memory store, a writer, and a watcher that notes what it is told. */
export interface Watching {
  readonly clock: TestClock;
  readonly etcd: MemoryEtcd;
  readonly states: WatchState[];
  put(key: string, value: string): Promise<TxnResult>;
  drop(key: string): Promise<TxnResult>;
  start(more?: Partial<WatcherOptions>, kv?: Kv): Watcher;
  /** What was told since the last look: `list k=v …`, `put k=v`, `delete k`. */
  news(): Promise<string[]>;
  /** Closes the watcher and checks that nothing of it is left. */
  end(): Promise<void>;
}

/** Nothing is watched before `start`. */
export function createWatching(): Watching {
  const clock = createTestClock();
  const etcd = createMemoryEtcd(clock);
  const writer = etcd.client();
  const lines: string[] = [];
  const states: WatchState[] = [];
  const watchers: Watcher[] = [];
  const short = (key: string): string => key.slice(PREFIX.length);

  const options: WatcherOptions = {
    clock,
    random: () => 0.5,
    onSnapshot: (kvs) => lines.push(['list', ...kvs.map((each) => `${short(each.key)}=${each.value}`)].join(' ')),
    onEvents: (events) => {
      for (const event of events)
        lines.push(
          event.type === 'put' ? `put ${short(event.kv.key)}=${event.kv.value}` : `delete ${short(event.key)}`,
        );
    },
    onState: (state) => states.push(state),
  };
  return {
    clock,
    etcd,
    states,
    put: (key, value) => writer.txn([], [{ op: 'put', key: PREFIX + key, value }]),
    drop: (key) => writer.txn([], [{ op: 'delete', key: PREFIX + key }]),
    start(more = {}, kv = etcd.client()) {
      const watcher = watchPrefix(kv, PREFIX, { ...options, ...more });
      watchers.push(watcher);
      return watcher;
    },
    async news() {
      await settle();
      return lines.splice(0);
    },
    async end() {
      for (const watcher of watchers) watcher.close();
      await settle();
      assert.equal(etcd.openStreams(), 0, 'a stream was left open');
      assert.equal(clock.pending(), 0, 'a timer was left behind');
    },
  };
}
