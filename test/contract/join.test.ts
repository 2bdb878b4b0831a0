import assert from 'node:assert/strict';
import { acquire } from '../../src/lease/acquire.ts';
import { printPrefix } from '../../src/model/address.ts';
import { openGrpcKv } from '../../src/store/etcd/kv.ts';
import type { Kv } from '../../src/store/kv.ts';
import { openStore } from '../../src/store/store.ts';
import { startEtcd, type TestEtcd } from '../support/etcd.ts';
import { NET } from '../support/kvs.ts';
import { announcementOf, networkOf } from '../support/values.ts';

const NODES = 200;

/** Requests a client has made. */
function counting(kv: Kv): { readonly kv: Kv; count(): number } {
  let count = 0;
  const counted = new Proxy(kv, {
    get(target, name: keyof Kv) {
      const member = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (name !== 'close') count++;
        return member(...args);
      };
    },
  });
  return { kv: counted, count: () => count };
}

const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;

describe('nodes that join at once', () => {
  let etcd: TestEtcd;
  before(async () => {
    etcd = await startEtcd({});
    await etcd.ctl('put', `${NET}/config`, JSON.stringify({ Network: '10.5.0.0/16' }));
  });
  after(() => etcd.close());

  it(`${NODES} of them have ${NODES} subnets, for a handful of requests each`, async () => {
    const clients = await Promise.all(
      Array.from({ length: NODES }, async () =>
        counting(await openGrpcKv({ endpoints: [etcd.endpoint], timeoutMs: 20_000 })),
      ),
    );
    const start = performance.now();
    const held = await Promise.all(
      clients.map(({ kv }, i) =>
        acquire({
          store: openStore(kv, NET),
          announcement: announcementOf(i + 1),
          network: networkOf(),
          ...{ remembered: [], ttlSeconds: 3_600, random: Math.random },
        }),
      ),
    );
    const ms = Math.round(performance.now() - start);
    for (const { kv } of clients) kv.close();
    const counts = clients.map(({ count }) => count()).sort((a, b) => a - b);
    const mean = counts.reduce((sum, count) => sum + count, 0) / NODES;
    console.log(
      `      ${ms} ms; requests a join: mean ${mean.toFixed(1)}, median ${percentile(counts, 0.5)}, 99 % ${percentile(counts, 0.99)}, most ${counts.at(-1)}`,
    );
    assert.equal(new Set(held.map(({ subnet }) => printPrefix(subnet))).size, NODES);
    assert.ok(mean <= 8, `${mean} requests a join`);
    assert.ok((counts.at(-1) ?? 0) <= 30, `${counts.at(-1)} requests for one`);
  });
});
