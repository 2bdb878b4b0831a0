import { asTsflannelError, type ErrorCode } from '../errors.ts';
import type { NodeState } from '../files/node-state.ts';
import type { Clock } from '../model/clock.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import { networkIn } from '../store/network.ts';
import { type CachedStart, readCached } from './cached.ts';
import { type Follower, follow } from './follow.ts';
import type { DaemonParts } from './node.ts';
import type { NodeOptions } from './options.ts';

/** What a node begins with: etcd as it is, or (`cached`) as this node saw it last. */
export interface FirstLook {
  readonly follower: Follower;
  readonly network: NetworkConfig;
  readonly cached?: CachedStart;
}

const PATIENCE_MS = 1_000;

/** etcd does not answer; whoever answers and refuses is not away. */
const AWAY: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['ETCD_UNREACHABLE', 'ETCD_TIMEOUT', 'ETCD_NO_QUORUM']);

const pause = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

async function lookAtEtcd({ store, clock }: DaemonParts): Promise<FirstLook> {
  const first = await store.snapshot();
  const network = networkIn(first.kvs, store.prefix);
  return { follower: follow(store, { first }, network, clock), network };
}

/** The view on disk instead, if etcd is away and there is one that is ours. */
async function lookAtDisk(
  error: unknown,
  { stateDir }: NodeOptions,
  parts: DaemonParts,
  state: Promise<NodeState>,
): Promise<FirstLook | undefined> {
  const { code, message } = asTsflannelError(error);
  if (!AWAY.has(code)) return undefined;
  const { store, clock, log } = parts;
  const cached = await readCached(await state, { stateDir, prefix: store.prefix }, log);
  if (!cached) return undefined;
  const { saved, network } = cached;
  log('cached', `${message}; starting with the cached view of ${saved.savedAt}, ${saved.kvs.length} keys`);
  return { follower: follow(store, { first: saved, away: message }, network, clock), network, cached };
}

/**
 * Reads etcd. While it does not answer, a node that was here before starts with what it saw last; another one waits (a service, as
 * flanneld does) or is told at once (a person).
 */
export async function firstLook(
  options: NodeOptions,
  parts: DaemonParts,
  state: Promise<NodeState>,
): Promise<FirstLook> {
  let told = '';
  for (let round = 0; ; round++) {
    try {
      return await lookAtEtcd(parts);
    } catch (error) {
      const fromDisk = round === 0 ? await lookAtDisk(error, options, parts, state) : undefined;
      if (fromDisk) return fromDisk;
      if (!options.patient) throw error;
      const text = error instanceof Error ? error.message : String(error);
      if (text !== told) parts.log('waiting', text);
      told = text;
      await pause(parts.clock, PATIENCE_MS);
    }
  }
}
