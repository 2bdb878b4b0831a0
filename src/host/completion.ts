import { readCluster } from '../etcd/members.ts';
import { timedLeases } from '../lease/manage.ts';
import { printPrefix } from '../model/address.ts';
import { isPlain, type LiveValues } from '../output/completion.ts';
import type { EtcdFlags } from '../output/flags.ts';
import { resolveConnection } from './connection.ts';
import { openKv } from './kv.ts';
import { openStoreAt } from './node.ts';

/** Somebody waits with a finger on a key. */
const WAIT_MS = 1500;

/** What lives in the cluster now, as words that a shell may have; nothing where it cannot be asked. Never rejects. */
export async function liveValues(flags: EtcdFlags, values: LiveValues): Promise<readonly string[]> {
  try {
    const connection = await resolveConnection(flags);
    const kv = { ...connection.kv, timeoutMs: WAIT_MS };
    if (values === 'members') {
      const { rows } = await readCluster(openKv, kv);
      return rows.map(({ name }) => name).filter(isPlain);
    }
    const store = await openStoreAt({ ...connection, kv });
    try {
      const leases = await timedLeases(store);
      const words = leases.map(({ subnet, lease }) => (values === 'subnets' ? printPrefix(subnet) : lease?.nodeName));
      return words.filter((word) => word !== undefined).filter(isPlain);
    } finally {
      store.close();
    }
  } catch {
    return [];
  }
}
