import { inTurns, SLICE } from '../model/sliced.ts';
import { byKey, type KeyValue, type RangeResult, type WatchEvent } from '../store/kv.ts';
import type { View, ViewChange } from '../store/view.ts';

/**
 * etcd's keys as they were heard last, and the view of them: a few changes are shown at once, many when all of them are judged, which is
 * done in slices. What is heard meanwhile waits, and is one change per key however often that was told. Nobody sees half of a change.
 */
export interface Fold {
  /** Everything as etcd said it, heard so far. */
  seen(): RangeResult;
  list(now: RangeResult): void;
  events(events: readonly WatchEvent[]): void;
  /** Calls it once all that was heard before is shown. */
  afterwards(act: () => void): void;
  /** Shows nothing more. */
  close(): void;
}

const merge = (changes: readonly ViewChange[]): ViewChange => ({
  leases: [...new Set(changes.flatMap(({ leases }) => leases))],
  config: changes.some(({ config }) => config),
});

interface State {
  readonly view: View;
  readonly shown: (change: ViewChange) => void;
  kvs: Map<string, KeyValue>;
  revision: bigint;
  clusterId: bigint;
  /** Keys that the view has as they were; `listed`: any may be. */
  stale: Set<string>;
  listed: boolean;
  busy: boolean;
  closed: boolean;
  waiting: (() => void)[];
}

/** As much at once as one slice is. */
function showFew(state: State): void {
  const { view, kvs, stale, listed } = state;
  Object.assign(state, { stale: new Set(), listed: false });
  if (listed) state.shown(view.reset([...kvs.values()]));
  else if (stale.size > 0) state.shown(merge([...stale].map((key) => view.set(key, kvs.get(key)))));
}

async function showMany(state: State): Promise<void> {
  Object.assign(state, { stale: new Set(), listed: false, busy: true });
  const change = await inTurns(state.view.resetting([...state.kvs.values()]));
  state.busy = false;
  if (!state.closed) state.shown(change);
  show(state);
}

function show(state: State): void {
  if (state.busy || state.closed) return;
  if ((state.listed ? state.kvs : state.stale).size > SLICE) {
    void showMany(state);
    return;
  }
  showFew(state);
  for (const act of state.waiting.splice(0)) act();
}

function take(state: State, event: WatchEvent): void {
  const { key, modRevision } = event.type === 'put' ? event.kv : event;
  if (event.type === 'put') state.kvs.set(key, event.kv);
  else state.kvs.delete(key);
  state.stale.add(key);
  state.revision = modRevision;
}

/** `view` shows `first` already; `shown` is called with what it shows otherwise, after it does. */
export function createFold(view: View, first: RangeResult, shown: (change: ViewChange) => void): Fold {
  const { revision, clusterId } = first;
  const state: State = {
    ...{ view, shown, revision, clusterId, kvs: byKey(first.kvs) },
    ...{ stale: new Set(), listed: false, busy: false, closed: false, waiting: [] },
  };
  return {
    seen: () => ({ kvs: [...state.kvs.values()], revision: state.revision, clusterId: state.clusterId }),
    list(now) {
      Object.assign(state, { kvs: byKey(now.kvs), revision: now.revision, clusterId: now.clusterId, listed: true });
      show(state);
    },
    events(events) {
      for (const event of events) take(state, event);
      show(state);
    },
    afterwards(act) {
      state.waiting.push(act);
      show(state);
    },
    close() {
      state.closed = true;
    },
  };
}
