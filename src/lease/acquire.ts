import { TsflannelError } from '../errors.ts';
import { type Prefix, printPrefix } from '../model/address.ts';
import { type Announcement, type Lease, parseSubnetKey, printLease, printSubnetKey } from '../model/lease.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import { inTurns } from '../model/sliced.ts';
import type { HeldKey, Store } from '../store/store.ts';
import { createView, type View } from '../store/view.ts';
import { type Choice, choose, fits, isReserved, type Situation } from './choose.ts';
import { checkIdentity, isElsewhere } from './identity.ts';

/** What a claim is made with. */
export interface ClaimOptions {
  readonly store: Store;
  readonly announcement: Announcement;
  readonly network: NetworkConfig;
  /** Subnets this node had before, best first. */
  readonly remembered: readonly Prefix[];
  readonly ttlSeconds: number;
  /** A live lease of ours keeps the time it was granted with (the default); false: it gets `ttlSeconds`. */
  readonly keepTtl?: boolean;
  readonly random: () => number;
}

/** A subnet that is ours now. */
export interface Held extends HeldKey {
  readonly subnet: Prefix;
  readonly value: string;
  /** How long it lives from now on unless renewed; for a reservation, which ends never, what a claim would have. */
  readonly ttlSeconds: number;
  /** Whether the lease was there already (a restart, or a real flanneld's). */
  readonly resumed: boolean;
}

/** Rounds of "list, choose, claim": each loses only to somebody else's success. */
const ROUNDS = 50;

/** Subnets tried before the leases are listed again: a try is one small request, a list as large as the cluster. */
const TRIES = 4;

/** Keeps our own live lease: same etcd lease if that still lives, same value if nothing changed (then nothing is written). */
async function resume(options: ClaimOptions, lease: Lease): Promise<Held | undefined> {
  const { store, announcement } = options;
  const now = await store.read(lease.subnet);
  if (!now || now.modRevision.toString() !== lease.etcd.modified) return undefined;
  const value = printLease(announcement, now.value);
  const left = now.lease === 0n ? options.ttlSeconds : await store.keepAlive(now.lease);
  const held = { key: now.key, leaseId: now.lease, modRevision: now.modRevision, subnet: lease.subnet, value };
  const lives = left > 0 && (now.lease === 0n || options.keepTtl !== false || left === options.ttlSeconds);
  if (lives && now.value === value) return { ...held, ttlSeconds: left, resumed: true };
  const leaseId = lives ? now.lease : await store.grant(options.ttlSeconds);
  const written = await store.update(now, value, leaseId);
  if (!written && leaseId !== now.lease) await store.revoke(leaseId).catch(() => undefined);
  return written && { ...held, ...written, ttlSeconds: lives ? left : options.ttlSeconds, resumed: true };
}

async function claimFirst(options: ClaimOptions, subnets: readonly Prefix[]): Promise<Held | undefined> {
  const value = printLease(options.announcement);
  const held = await options.store.claim(subnets.slice(0, TRIES), value, options.ttlSeconds);
  const subnet = held && subnets.find((each) => held.key.endsWith(`/${printSubnetKey(each)}`));
  return subnet && { ...held, subnet, value, ttlSeconds: options.ttlSeconds, resumed: false };
}

/** What the leases say now, judged by the network that we know. */
async function look({ store, network }: ClaimOptions): Promise<View> {
  const view = createView(store.prefix, network);
  await inTurns(view.resetting((await store.snapshot()).kvs));
  return view;
}

/** The subnets of keys whose values are not believed. */
const refusedIn = (view: View): Prefix[] =>
  [...view.rejections().keys()].flatMap((key) => parseSubnetKey(key.slice(key.lastIndexOf('/') + 1))?.subnet ?? []);

/** What is free, and what is ours, as this view has it. */
export const chooseIn = (view: View, who: Omit<Situation, 'leases' | 'refused'>): Choice =>
  choose({ ...who, leases: [...view.leases().values()], refused: refusedIn(view) });

/**
 * Gives back what this node leased under another network config (another SubnetLen, SubnetMin): it serves that no more, and as long as it
 * lived peers would take the node to be there. Whatever fails here ends with the time of the lease.
 */
async function releaseFormer({ store, announcement, network }: ClaimOptions, view: View): Promise<void> {
  const isFormer = (lease: Lease): boolean =>
    lease.nodeId === announcement.nodeId &&
    !isReserved(lease) &&
    !isElsewhere(lease, announcement) &&
    !fits(network, lease.subnet);
  const all = [...view.leases().values(), ...(await inTurns(view.misfits()))];
  for (const { etcd } of all.filter(isFormer)) {
    const former = { key: etcd.key, leaseId: BigInt(etcd.leaseId), modRevision: BigInt(etcd.modified) };
    await store.release(former).catch(() => undefined);
  }
}

/**
 * Takes a subnet: our own live lease first, one we had before next, else a free one. `known` saves the first look.
 * Throws NODE_ID_CLONED, PUBLIC_IP_TAKEN, NO_FREE_SUBNET, SUBNETS_CONTESTED, or what the store throws.
 */
export async function acquire(options: ClaimOptions, known?: View): Promise<Held> {
  const { announcement, network, remembered, random } = options;
  const { nodeId, publicIp } = announcement;
  for (let round = 0; round < ROUNDS; round++) {
    const view = (round === 0 ? known : undefined) ?? (await look(options));
    await checkIdentity(options.store, announcement, view.leases().values());
    const choice = chooseIn(view, { network, nodeId, publicIp, remembered, random });
    if (choice.kind === 'exhausted') {
      throw new TsflannelError('NO_FREE_SUBNET', { network: printPrefix(network.network), count: choice.count });
    }
    const held = await (choice.kind === 'own' ? resume(options, choice.lease) : claimFirst(options, choice.subnets));
    if (held) {
      await releaseFormer(options, view);
      return held;
    }
  }
  throw new TsflannelError('SUBNETS_CONTESTED', { network: printPrefix(network.network), rounds: ROUNDS });
}
