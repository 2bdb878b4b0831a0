import type { CareParts } from '../etcd/care.ts';
import type { ChangeParts } from '../etcd/change.ts';
import { notice } from '../output/command.ts';
import type { EtcdFlags } from '../output/flags.ts';
import { openAdmin } from './admin.ts';
import { resolveConnection } from './connection.ts';
import { openKv } from './kv.ts';
import { openMaintenance } from './maintenance.ts';

/** How commands reach the cluster that the flags name. Throws USAGE. */
export async function careParts(flags: EtcdFlags): Promise<CareParts> {
  const { kv } = await resolveConnection(flags);
  return { openKv, openMaintenance, kv, notice };
}

/** The same for commands that change its members. Throws USAGE. */
export const changeParts = async (flags: EtcdFlags): Promise<ChangeParts> => ({
  ...(await careParts(flags)),
  openAdmin,
});
