import { asTsflannelError } from '../errors.ts';
import { failPoint } from '../fail-point.ts';
import { printIp, printPrefix } from '../model/address.ts';
import type { Clock } from '../model/clock.ts';
import { type Announcement, nodeIdIn, printLease } from '../model/lease.ts';
import type { Log } from '../model/log-events.ts';
import type { KeyValue } from '../store/kv.ts';
import { acquire, type ClaimOptions, type Held } from './acquire.ts';

/**
 * none -> held -> doubtful (not renewed for a while) -> lost (expired, deleted, or another node's now). `cached`: remembered from before
 * this start; etcd has not been asked yet whether it is still ours.
 */
export type HoldState = 'cached' | 'held' | 'doubtful' | 'lost';

export interface Holder {
  current(): Held;
  state(): HoldState;
  /** Seconds until the lease ends unless renewed; undefined for a reservation, and while nobody knows. */
  secondsLeft(): number | undefined;
  /** Our key was seen deleted or written: looks whether it is still ours, and takes it back if it is free. */
  check(): Promise<void>;
  /** We are to be reached otherwise now: the lease is rewritten, guarded, with the subnet it has. */
  announce(parts: Partial<Pick<Announcement, 'publicIp' | 'peer' | 'gateway'>>): void;
  close(): void;
}

export interface HolderOptions {
  readonly claim: ClaimOptions;
  readonly clock: Clock;
  readonly renewEveryMs: number;
  /** We hold another lease now (after a loss): the same subnet again, or a different one. */
  readonly onChange: (held: Held, before: Held) => void;
  readonly log: Log;
  /** What is held is only remembered: nothing is asked of etcd before the first `check`. */
  readonly cached?: boolean;
}

interface State extends HolderOptions {
  claim: ClaimOptions;
  /** What we announce has changed since it was written. */
  news: boolean;
  held: Held;
  state: HoldState;
  ttlSeconds: number;
  renewedAt: number;
  /** When we last wrote our value over another's. */
  restoredAt: number;
  retryMs: number;
  closed: boolean;
  busy: boolean;
  /** Something happened during the look that is under way. */
  again: boolean;
  cancel: (() => void) | undefined;
}

const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 5_000;

/** Two nodes with one id (a cloned disk) must not write over each other at full speed. */
const RESTORE_PAUSE_MS = 5_000;

const isHeld = ({ held: { leaseId } }: State): boolean => leaseId !== 0n;

/** How long until the next renewal. */
const renewIn = (state: State): number =>
  isHeld(state) ? Math.min(state.renewEveryMs, (state.ttlSeconds * 1000) / 3) : state.renewEveryMs;

function lose(state: State): void {
  if (state.state !== 'lost')
    state.log('lease-lost', `the lease of ${printPrefix(state.held.subnet)} is gone; claiming it again`);
  state.state = 'lost';
}

/** Takes the lost subnet back if it is free, another one if it is not. Nothing is written to a key that is another node's. */
async function reclaim(state: State): Promise<number> {
  const before = state.held;
  const claim = { ...state.claim, remembered: [before.subnet, ...state.claim.remembered] };
  const sentAt = state.clock.now();
  const held = await acquire(claim);
  if (state.closed) return 0;
  Object.assign(state, { held, state: 'held', renewedAt: sentAt, ttlSeconds: held.ttlSeconds });
  state.log('lease-held', `${printPrefix(held.subnet)} is held again`);
  state.onChange(held, before);
  return renewIn(state);
}

/**
 * Our key says something else under our id: another program, or another node with our id, wrote it. What we say is written back; its
 * etcd lease, or having none, stays.
 */
async function restore(state: State, now: KeyValue, value: string): Promise<number> {
  const wait = state.restoredAt + RESTORE_PAUSE_MS - state.clock.now();
  if (wait > 0) return wait;
  state.restoredAt = state.clock.now();
  state.log('lease-overwritten', `somebody wrote to the lease of ${printPrefix(state.held.subnet)}; writing it back`);
  await state.claim.store.update(now, value, now.lease);
  state.again = true;
  return 0;
}

/** Tells the peers what is new about us. */
async function reannounce(state: State, now: KeyValue, value: string): Promise<number> {
  const written = await state.claim.store.update(now, value, now.lease);
  state.again = true;
  if (!written) return 0;
  state.news = false;
  state.held = { ...state.held, modRevision: written.modRevision };
  state.log(
    'lease-announced',
    `${printPrefix(state.held.subnet)} is reached by ${printIp(state.claim.announcement.publicIp)} now`,
  );
  return 0;
}

/** Looks at our key and renews its lease; resolves to when to do so again. */
async function look(state: State): Promise<number> {
  const { store, announcement } = state.claim;
  if (state.state === 'cached') return reclaim(state);
  const sentAt = state.clock.now();
  const now = await store.read(state.held.subnet);
  if (!now || nodeIdIn(now.value) !== announcement.nodeId) {
    lose(state);
    return reclaim(state);
  }
  const value = printLease(announcement, now.value);
  state.held = { ...state.held, value, leaseId: now.lease, modRevision: now.modRevision };
  if (now.value !== value) return (state.news ? reannounce : restore)(state, now, value);
  failPoint('lease-renewing');
  const left = isHeld(state) ? await store.keepAlive(now.lease) : state.ttlSeconds;
  if (left <= 0) {
    lose(state);
    return reclaim(state);
  }
  if (state.state !== 'held') state.log('lease-held', `${printPrefix(state.held.subnet)} is renewed again`);
  Object.assign(state, { state: 'held', renewedAt: sentAt, ttlSeconds: left });
  return renewIn(state);
}

function failed(state: State, error: unknown): number {
  if (state.state === 'held') {
    const text = error instanceof Error ? error.message : String(error);
    state.log('lease-doubtful', text, asTsflannelError(error).code);
    state.state = 'doubtful';
  }
  const wait = state.retryMs;
  state.retryMs = Math.min(RETRY_MAX_MS, wait * 2);
  return wait;
}

async function once(state: State): Promise<number> {
  try {
    const wait = await look(state);
    state.retryMs = RETRY_MIN_MS;
    return wait;
  } catch (error) {
    return failed(state, error);
  }
}

function schedule(state: State, ms: number): void {
  if (state.closed) return;
  state.cancel?.();
  state.cancel = state.clock.after(ms, () => void attempt(state));
}

/** One look at a time; what happens meanwhile is looked at next. */
async function attempt(state: State): Promise<void> {
  state.again = true;
  if (state.busy || state.closed) return;
  state.busy = true;
  let wait = 0;
  while (state.again && !state.closed) {
    state.again = false;
    wait = await once(state);
  }
  state.busy = false;
  schedule(state, wait);
}

/** Keeps a lease alive on its own etcd lease, by monotonic time. */
export function hold(held: Held, options: HolderOptions): Holder {
  const state: State = {
    ...options,
    held,
    state: options.cached ? 'cached' : 'held',
    ttlSeconds: held.ttlSeconds,
    renewedAt: options.clock.now(),
    restoredAt: Number.NEGATIVE_INFINITY,
    retryMs: RETRY_MIN_MS,
    closed: false,
    news: false,
    busy: false,
    again: false,
    cancel: undefined,
  };
  if (!options.cached) schedule(state, renewIn(state));
  return {
    current: () => state.held,
    state: () => state.state,
    secondsLeft: () =>
      isHeld(state) && state.state !== 'cached'
        ? Math.max(0, state.ttlSeconds - (state.clock.now() - state.renewedAt) / 1000)
        : undefined,
    check: () => attempt(state),
    announce(parts) {
      state.claim = { ...state.claim, announcement: { ...state.claim.announcement, ...parts } };
      state.news = true;
      if (state.state !== 'cached') void attempt(state);
    },
    close() {
      state.closed = true;
      state.cancel?.();
    },
  };
}
