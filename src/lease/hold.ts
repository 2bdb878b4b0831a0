import { TsflannelError } from '../errors.ts';

import { type Prefix, printPrefix } from '../model/address.ts';
import type { Clock } from '../model/clock.ts';
import { type Announcement, type Lease, printLease } from '../model/lease.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import type { KeyValue } from '../store/kv.ts';
import { parseLeaseKv } from '../store/lease-kv.ts';
import type { HeldKey, Store } from '../store/store.ts';
import { createView } from '../store/view.ts';
import { choose } from './choose.ts';

/** What a claim is made with. */
export interface ClaimOptions {
  readonly store: Store;
  readonly announcement: Announcement;
  readonly network: NetworkConfig;
  /** Subnets this node had before, best first. */
  readonly remembered: readonly Prefix[];
  readonly ttlSeconds: number;
  readonly random: () => number;
}

/** A subnet that is ours now. */
export interface Held extends HeldKey {
  readonly subnet: Prefix;
  readonly value: string;
  /** Whether the lease was there already (a restart, or a real flanneld's). */
  readonly resumed: boolean;
}

/** Rounds of "list, choose, claim": each loses only to somebody else's success. */
const ROUNDS = 50;

/** Keeps our own live lease: same etcd lease if that still lives, same value if nothing changed (then nothing is written). */
async function resume(options: ClaimOptions, lease: Lease): Promise<Held | undefined> {
  const { store, announcement } = options;
  const now = await store.read(lease.subnet);
  if (!now || now.modRevision.toString() !== lease.etcd.modified) return undefined;
  const value = printLease(announcement, now.value);
  const left = now.lease === 0n ? 1 : await store.keepAlive(now.lease);
  if (left > 0 && now.value === value) {
    return {
      key: now.key,
      leaseId: now.lease,
      modRevision: now.modRevision,
      subnet: lease.subnet,
      value,
      resumed: true,
    };
  }
  const leaseId = left > 0 ? now.lease : await store.grant(options.ttlSeconds);
  const held = await store.update(now, value, leaseId);
  if (!held && leaseId !== now.lease) await store.revoke(leaseId).catch(() => undefined);
  return held && { ...held, subnet: lease.subnet, value, resumed: true };
}

async function claimFirst(options: ClaimOptions, subnets: readonly Prefix[]): Promise<Held | undefined> {
  const value = printLease(options.announcement);
  for (const subnet of subnets.slice(0, 3)) {
    const held = await options.store.claim(subnet, value, options.ttlSeconds);
    if (held) return { ...held, subnet, value, resumed: false };
  }
  return undefined;
}

async function leasesNow({ store, network }: ClaimOptions, known: readonly KeyValue[] | undefined): Promise<Lease[]> {
  const view = createView(store.prefix, network);
  view.reset(known ?? (await store.snapshot()).kvs);
  return [...view.leases().values()];
}

/**
 * Takes a subnet: our own live lease first, one we had before next, else a free one. `known` saves the first list.
 * Throws NO_FREE_SUBNET, or what the store throws.
 */
export async function acquire(options: ClaimOptions, known?: readonly KeyValue[]): Promise<Held> {
  const { announcement, network, remembered, random } = options;
  for (let round = 0; round < ROUNDS; round++) {
    const leases = await leasesNow(options, round === 0 ? known : undefined);
    const { nodeId, publicIp } = announcement;
    const choice = choose({ network, leases, nodeId, publicIp, remembered, random });
    if (choice.kind === 'exhausted') {
      throw new TsflannelError('NO_FREE_SUBNET', { network: printPrefix(network.network), count: choice.count });
    }
    const held = await (choice.kind === 'own' ? resume(options, choice.lease) : claimFirst(options, choice.subnets));
    if (held) return held;
  }
  throw new TsflannelError('NO_FREE_SUBNET', { network: printPrefix(network.network), count: ROUNDS });
}

/** none -> held -> doubtful (not renewed for a while) -> lost (expired, deleted, or another node's now). */
export type HoldState = 'held' | 'doubtful' | 'lost';

export interface Holder {
  current(): Held;
  state(): HoldState;
  /** Seconds until the lease ends unless renewed; undefined for a reservation. */
  secondsLeft(): number | undefined;
  /** Our key was seen deleted or written: looks whether it is still ours, and takes it back if it is free. */
  check(): Promise<void>;
  close(): void;
}

export interface HolderOptions {
  readonly claim: ClaimOptions;
  readonly clock: Clock;
  readonly renewEveryMs: number;
  /** We hold another lease now (after a loss): the same subnet again, or a different one. */
  readonly onChange: (held: Held, before: Held) => void;
  readonly log: (event: string, detail: string) => void;
}

interface State extends HolderOptions {
  held: Held;
  state: HoldState;
  renewedAt: number;
  closed: boolean;
  checking: boolean;
  cancel: (() => void) | undefined;
}

const RETRY_MS = 1_000;

const isOurs = (kv: KeyValue | undefined, nodeId: string): kv is KeyValue => {
  if (!kv) return false;
  const parsed = parseLeaseKv(kv);
  return parsed.ok && parsed.value.nodeId === nodeId;
};

/** Takes the lost subnet back if it is free, another one if it is not. Nothing is written to a key that is another node's. */
async function reclaim(state: State): Promise<void> {
  const before = state.held;
  state.state = 'lost';
  state.log('lease-lost', `the lease of ${printPrefix(before.subnet)} is gone; claiming it again`);
  const claim = { ...state.claim, remembered: [before.subnet, ...state.claim.remembered] };
  const held = await acquire(claim);
  if (state.closed) return;
  state.held = held;
  state.state = 'held';
  state.renewedAt = state.clock.now();
  state.log('lease-held', `${printPrefix(held.subnet)} is held again`);
  state.onChange(held, before);
}

async function check(state: State): Promise<void> {
  const now = await state.claim.store.read(state.held.subnet);
  if (isOurs(now, state.claim.announcement.nodeId)) {
    state.held = { ...state.held, leaseId: now.lease, modRevision: now.modRevision };
    return;
  }
  await reclaim(state);
}

async function renew(state: State): Promise<void> {
  const { leaseId } = state.held;
  const sentAt = state.clock.now();
  if (leaseId === 0n) return check(state);
  if ((await state.claim.store.keepAlive(leaseId)) <= 0) return reclaim(state);
  state.renewedAt = sentAt;
  state.state = 'held';
}

function schedule(state: State, ms: number): void {
  if (state.closed) return;
  state.cancel?.();
  state.cancel = state.clock.after(ms, () => void attempt(state, renew));
}

async function attempt(state: State, what: (state: State) => Promise<void>): Promise<void> {
  if (state.checking) return;
  state.checking = true;
  let wait = state.renewEveryMs;
  try {
    await what(state);
  } catch (error) {
    if (state.state === 'held') state.log('lease-doubtful', error instanceof Error ? error.message : String(error));
    if (state.state === 'held') state.state = 'doubtful';
    wait = RETRY_MS;
  }
  state.checking = false;
  schedule(state, wait);
}

/** Keeps a lease alive on its own etcd lease, by monotonic time. */
export function hold(held: Held, options: HolderOptions): Holder {
  const state: State = {
    ...options,
    held,
    state: 'held',
    renewedAt: options.clock.now(),
    closed: false,
    checking: false,
    cancel: undefined,
  };
  schedule(state, options.renewEveryMs);
  return {
    current: () => state.held,
    state: () => state.state,
    secondsLeft: () =>
      state.held.leaseId === 0n ? undefined : state.claim.ttlSeconds - (state.clock.now() - state.renewedAt) / 1000,
    check: () => attempt(state, check),
    close() {
      state.closed = true;
      state.cancel?.();
    },
  };
}
