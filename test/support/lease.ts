import type { ClaimOptions } from '../../src/lease/acquire.ts';
import type { Announcement } from '../../src/model/lease.ts';
import { createMemoryEtcd, type MemoryEtcd } from '../../src/store/memory/etcd.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { createTestClock, type TestClock } from './clock.ts';
import { NET } from './kvs.ts';
import { announcementOf, networkOf } from './values.ts';

/** Writes as a stranger's etcdctl does: unguarded. */
export async function overwrite(etcd: MemoryEtcd, name: string, value: string, lease = 0n): Promise<void> {
  await etcd.client().txn([], [{ op: 'put', key: `${NET}/${name}`, value, ...(lease !== 0n && { lease }) }]);
}

/** Deletes as a stranger does. */
export const erase = (etcd: MemoryEtcd, name: string) =>
  etcd.client().txn([], [{ op: 'delete', key: `${NET}/${name}` }]);

export interface Ground {
  readonly clock: TestClock;
  readonly etcd: MemoryEtcd;
  readonly store: Store;
  /** Options of node `number`. */
  options(number: number, parts?: Partial<ClaimOptions> & { readonly announcement?: Announcement }): ClaimOptions;
  /** Key names and values under subnets/. */
  leases(): Promise<Record<string, string>>;
}

/** A store with this config in it. */
export async function ground(config: Record<string, unknown> = {}): Promise<Ground> {
  const clock = createTestClock();
  const etcd = createMemoryEtcd(clock);
  const store = openStore(etcd.client(), NET);
  await overwrite(etcd, 'config', JSON.stringify({ Network: '10.5.0.0/16', ...config }));
  return {
    clock,
    etcd,
    store,
    options: (number, parts = {}) => ({
      store: openStore(etcd.client(), NET),
      announcement: announcementOf(number),
      network: networkOf(config),
      remembered: [],
      ttlSeconds: 86_400,
      random: () => 0,
      ...parts,
    }),
    async leases() {
      const { kvs } = await etcd.client().range(`${NET}/subnets/`);
      return Object.fromEntries(kvs.map(({ key, value }) => [key.slice(`${NET}/subnets/`.length), value]));
    },
  };
}
