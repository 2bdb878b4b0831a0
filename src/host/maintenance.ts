import type { KvOptions } from '../store/kv.ts';
import type { Maintenance } from '../store/maintenance.ts';

/** A client for the calls that look after a cluster's data; it connects at the first call. Rejects with USAGE or ETCD_TLS. */
export async function openMaintenance(options: KvOptions): Promise<Maintenance> {
  return (await import('../store/etcd/maintenance.ts')).openGrpcMaintenance(options);
}
