import type { Kv, KvOptions } from '../store/kv.ts';

/**
 * A client of this etcd cluster; it connects at the first call. `client` is `TSFLANNEL_ETCD_CLIENT`: `etcd3` takes the etcd3 package, a
 * second opinion when our own transport is in doubt; anything else takes the transport. Rejects with USAGE or ETCD_TLS.
 */
export async function openKv(options: KvOptions, client = process.env.TSFLANNEL_ETCD_CLIENT): Promise<Kv> {
  if (client === 'etcd3') return (await import('../store/etcd3/kv.ts')).openEtcd3Kv(options);
  return (await import('../store/etcd/kv.ts')).openGrpcKv(options);
}
