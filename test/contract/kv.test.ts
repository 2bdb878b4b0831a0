import { openGrpcKv } from '../../src/store/etcd/kv.ts';
import { openEtcd3Kv } from '../../src/store/etcd3/kv.ts';
import type { Kv, KvOptions } from '../../src/store/kv.ts';
import { createMemoryEtcd } from '../../src/store/memory/etcd.ts';
import { createTestClock } from '../support/clock.ts';
import { startEtcd } from '../support/etcd.ts';
import { kvContract, type Subject } from './kv.ts';

kvContract('memory', async () => {
  const clock = createTestClock();
  const etcd = createMemoryEtcd(clock);
  return {
    open: () => etcd.client(),
    compact: async (revision) => etcd.compact(revision),
    shortTtl: 2,
    passTtl: () => clock.advance(2_000),
    close: async () => undefined,
  };
});

const real = (open: (options: KvOptions) => Kv) => async (): Promise<Subject> => {
  const etcd = await startEtcd();
  return {
    open: () => open({ endpoints: [etcd.endpoint], timeoutMs: 30_000 }),
    compact: async (revision) => void (await etcd.ctl('compact', String(revision))),
    // Time to write a key on it, on a busy machine too.
    shortTtl: 6,
    passTtl: async () => undefined,
    close: () => etcd.close(),
  };
};

kvContract('our transport', real(openGrpcKv));
kvContract('the etcd3 package', real(openEtcd3Kv));
