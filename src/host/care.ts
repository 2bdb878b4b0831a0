import type { CareParts } from '../etcd/care.ts';
import { notice } from '../output/command.ts';
import type { EtcdFlags } from '../output/flags.ts';
import { resolveConnection } from './connection.ts';
import { openKv } from './kv.ts';
import { openMaintenance } from './maintenance.ts';

/** How commands reach the cluster that the flags name. Throws USAGE. */
export async function careParts(flags: EtcdFlags): Promise<CareParts> {
  const { kv } = await resolveConnection(flags);
  return { openKv, openMaintenance, kv, notice };
}
