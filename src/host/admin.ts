import type { Admin } from '../store/admin.ts';
import type { KvOptions } from '../store/kv.ts';

/** A client for the calls that change the cluster itself; it connects at the first call. Rejects with USAGE or ETCD_TLS. */
export async function openAdmin(options: KvOptions): Promise<Admin> {
  return (await import('../store/etcd/admin.ts')).openGrpcAdmin(options);
}
