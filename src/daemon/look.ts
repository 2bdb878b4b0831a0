import { asTsflannelError, type ErrorCode } from '../errors.ts';
import type { NodeState } from '../files/node-state.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import { networkIn } from '../store/network.ts';
import { type CachedStart, readCached } from './cached.ts';
import { type Follower, follow } from './follow.ts';
import type { Daemon, DaemonParts } from './node.ts';
import { pause } from './pause.ts';

/** What a node begins with: etcd as it is, or (`cached`) as this node saw it last. */
export interface FirstLook {
  readonly follower: Follower;
  readonly network: NetworkConfig;
  readonly cached?: CachedStart;
}

const PATIENCE_MS = 1_000;

/** etcd does not answer; whoever answers and refuses is not away. */
const AWAY: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['ETCD_UNREACHABLE', 'ETCD_TIMEOUT', 'ETCD_NO_QUORUM']);

async function lookAtEtcd(parts: DaemonParts): Promise<FirstLook> {
  const { store } = parts;
  const first = await store.snapshot();
  const network = networkIn(first.kvs, store.prefix);
  return { follower: await follow(parts, { first }, network), network };
}

/** The view on disk instead, if etcd is away and there is one that is ours. */
async function lookAtDisk(
  error: unknown,
  { disk }: Daemon,
  parts: DaemonParts,
  state: Promise<NodeState>,
): Promise<FirstLook | undefined> {
  const { code, message } = asTsflannelError(error);
  if (!AWAY.has(code)) return undefined;
  const { store, log } = parts;
  const cached = await readCached(await state, { disk, prefix: store.prefix }, log);
  if (!cached) return undefined;
  const { saved, network } = cached;
  log('cached', `${message}; starting with the cached view of ${saved.savedAt}, ${saved.kvs.length} keys`);
  return { follower: await follow(parts, { first: saved, away: message }, network), network, cached };
}

/**
 * Reads etcd. While it does not answer, a node that was here before starts with what it saw last; another one waits (a service, as
 * flanneld does) or is told at once (a person). Rejects too when the daemon is told to stop meanwhile.
 */
export async function firstLook(daemon: Daemon, parts: DaemonParts, state: Promise<NodeState>): Promise<FirstLook> {
  const { signal } = daemon.stop;
  for (let round = 0; ; round++) {
    try {
      return await lookAtEtcd(parts);
    } catch (error) {
      signal.throwIfAborted();
      const fromDisk = round === 0 ? await lookAtDisk(error, daemon, parts, state) : undefined;
      if (fromDisk) return fromDisk;
      if (!daemon.options.patient) throw error;
      const text = error instanceof Error ? error.message : String(error);
      if (text !== daemon.waitingFor) parts.log('waiting', text, asTsflannelError(error).code);
      daemon.waitingFor = text;
      await pause(parts.clock, PATIENCE_MS, signal);
    }
  }
}
