import assert from 'node:assert/strict';
import { TsflannelError } from '../../../src/errors.ts';
import { acquire } from '../../../src/lease/acquire.ts';
import { isDead, releaseTimed, reserve, timedLeases } from '../../../src/lease/manage.ts';
import { printPrefix } from '../../../src/model/address.ts';
import { nodeIdIn } from '../../../src/model/lease.ts';
import { ground, overwrite } from '../../support/lease.ts';
import { ip, networkOf, nodeId, prefix } from '../../support/values.ts';

const NETWORK = networkOf();
const throwsCode = (code: string) => (error: unknown) => error instanceof TsflannelError && error.code === code;

describe('managing leases', () => {
  it('a reservation for a known node, which has it from its next start on, whatever else it holds', async () => {
    const { store, options } = await ground();
    const first = await acquire(options(1));
    assert.equal(await reserve(store, NETWORK, prefix('10.5.77.0/24'), { node: 'n1' }), true);
    assert.equal(await reserve(store, NETWORK, prefix('10.5.77.0/24'), { node: nodeId(1) }), false);
    const next = await acquire(options(1, { remembered: [first.subnet] }));
    assert.deepEqual([printPrefix(next.subnet), next.leaseId, next.resumed], ['10.5.77.0/24', 0n, true]);
    assert.equal((await acquire(options(1))).modRevision, next.modRevision);
  });

  it('a reservation by address is taken by whoever comes with it, ours or flanneld', async () => {
    const { store, options, leases } = await ground();
    await reserve(store, NETWORK, prefix('10.5.77.0/24'), { publicIp: ip('10.200.0.3') });
    assert.deepEqual(JSON.parse((await leases())['10.5.77.0-24'] ?? ''), {
      ...{ PublicIP: '10.200.0.3', PublicIPv6: null },
    });
    assert.notEqual(printPrefix((await acquire(options(2))).subnet), '10.5.77.0/24');
    assert.equal(printPrefix((await acquire(options(3))).subnet), '10.5.77.0/24');
    assert.equal(nodeIdIn((await leases())['10.5.77.0-24'] ?? ''), nodeId(3));
  });

  it('a node that nobody has seen yet, by its whole id and address', async () => {
    const { store, options } = await ground();
    const wish = { node: nodeId(5), publicIp: ip('10.200.0.99') };
    await reserve(store, NETWORK, prefix('10.5.9.0/24'), wish);
    assert.equal(printPrefix((await acquire(options(5))).subnet), '10.5.9.0/24');
  });

  it('refuses what is another’s, what does not fit, and what it does not know', async () => {
    const { store, options } = await ground();
    const other = await acquire(options(2));
    await acquire(options(1));
    for (const [subnet, wish, code] of [
      [other.subnet, { node: 'n1' }, 'SUBNET_TAKEN'],
      [other.subnet, { publicIp: ip('10.200.0.1') }, 'SUBNET_TAKEN'],
      [prefix('10.6.0.0/24'), { node: 'n1' }, 'SUBNET_UNFIT'],
      [prefix('10.5.8.0/25'), { node: 'n1' }, 'SUBNET_UNFIT'],
      [prefix('10.5.8.0/24'), { node: 'n7' }, 'NODE_UNKNOWN'],
      [prefix('10.5.8.0/24'), { node: '0' }, 'NODE_UNKNOWN'],
    ] as const)
      await assert.rejects(reserve(store, NETWORK, subnet, wish), throwsCode(code), code);
  });

  it('tells the dead by their age, flanneld’s only when asked for by age', async () => {
    const { clock, etcd, store, options } = await ground();
    await acquire(options(1, { ttlSeconds: 1_000 }));
    const lease = await store.grant(1_000);
    await overwrite(etcd, 'subnets/10.5.40.0-24', '{"PublicIP":"10.200.0.40"}', lease);
    await overwrite(etcd, 'subnets/10.5.41.0-24', '{"PublicIP":"10.200.0.41"}');
    const dead = async (olderThan?: number) =>
      (await timedLeases(store)).filter((each) => isDead(each, olderThan)).map(({ subnet }) => printPrefix(subnet));
    await clock.advance(490_000);
    assert.deepEqual(await dead(), []);
    await clock.advance(20_000);
    assert.deepEqual(await dead(), ['10.5.2.0/24']);
    assert.deepEqual(await dead(400), ['10.5.2.0/24', '10.5.40.0/24']);
  });

  it('gives back a lease only as it was looked at', async () => {
    const { etcd, store, options, leases } = await ground();
    const held = await acquire(options(1));
    const [seen] = await timedLeases(store, held.subnet);
    assert.ok(seen);
    await overwrite(etcd, 'subnets/10.5.2.0-24', '{"PublicIP":"10.200.0.40"}');
    assert.equal(await releaseTimed(store, seen), false);
    assert.equal(Object.keys(await leases()).length, 1);
    const [now] = await timedLeases(store, held.subnet);
    assert.ok(now);
    assert.equal(await releaseTimed(store, now), true);
    assert.deepEqual(await leases(), {});
  });
});
