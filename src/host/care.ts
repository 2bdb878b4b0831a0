import type { CareParts, Health } from '../etcd/care.ts';
import { type Certs, readCerts } from '../etcd/certs.ts';
import type { ChangeParts } from '../etcd/change.ts';
import { readClientConfig } from '../files/client-config.ts';
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

/** When certificates end and who may sign, for the members of this cluster. Rejects as readCerts. */
export async function certsOf(flags: EtcdFlags, { cluster }: Health, { kv }: CareParts): Promise<Certs> {
  const dataDir = (await readClientConfig(flags['config-dir']))?.dataDir;
  return readCerts(cluster.rows, kv, dataDir === undefined ? {} : { dataDir });
}

/** The same for commands that change its members. Throws USAGE. */
export const changeParts = async (flags: EtcdFlags): Promise<ChangeParts> => ({
  ...(await careParts(flags)),
  openAdmin,
});
