import assert from 'node:assert/strict';
import { TsflannelError } from '../../../src/errors.ts';
import { acquire } from '../../../src/lease/acquire.ts';
import { printPrefix } from '../../../src/model/address.ts';
import { nodeIdIn, printLease } from '../../../src/model/lease.ts';
import { parseNetworkConfig } from '../../../src/model/network-config.ts';
import type { Kv } from '../../../src/store/kv.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { createView, type View } from '../../../src/store/view.ts';
import { NET } from '../../support/kvs.ts';
import { erase, ground, overwrite } from '../../support/lease.ts';
import { announcementOf, mac, nodeId, prefix } from '../../support/values.ts';

const codeOf = (code: string) => (error: unknown) => error instanceof TsflannelError && error.code === code;
const viewOf = async (store: Store): Promise<View> => {
  const view = createView(NET);
  view.reset((await store.snapshot()).kvs);
  return view;
};
const FOUR = { Network: '10.5.0.0/24', SubnetLen: 26 };

describe('acquiring a lease', () => {
  it('claims a free subnet on an etcd lease of its own', async () => {
    const { etcd, options, leases } = await ground();
    const held = await acquire(options(1));
    assert.equal(held.resumed, false);
    assert.deepEqual(await leases(), { [held.key.slice(`${NET}/subnets/`.length)]: printLease(announcementOf(1)) });
    assert.deepEqual(await etcd.client().timeToLive(held.leaseId), { left: 86_400, granted: 86_400 });
  });

  it('resumes after a crash without writing, however often', async () => {
    const { clock, etcd, options } = await ground();
    const first = await acquire(options(1));
    await clock.advance(3_600_000);
    const revision = etcd.revision();
    const again = await acquire(options(1));
    assert.deepEqual(again, { ...first, resumed: true });
    assert.equal(etcd.revision(), revision);
    assert.equal((await etcd.client().timeToLive(first.leaseId)).left, 86_400);
  });

  it('tells an address of its own that changed, on the same etcd lease', async () => {
    const { etcd, options, leases } = await ground();
    const first = await acquire(options(1));
    const moved = { ...announcementOf(1), publicIp: announcementOf(9).publicIp };
    const held = await acquire(options(1, { announcement: moved }));
    assert.deepEqual([held.subnet, held.leaseId, held.resumed], [first.subnet, first.leaseId, true]);
    assert.deepEqual(Object.values(await leases()), [printLease(moved)]);
    assert.equal(etcd.revision(), held.modRevision);
  });

  it('gives back what it had under another SubnetLen, and nothing of others', async () => {
    const { etcd, options, leases } = await ground();
    const [former, other] = [await acquire(options(1)), await acquire(options(2))];
    const network = parseNetworkConfig('{"Network":"10.5.0.0/16","SubnetLen":25}');
    assert.ok(network.ok);
    const held = await acquire(options(1, { network: network.value }));
    assert.equal(held.subnet.length, 25);
    assert.deepEqual(
      Object.keys(await leases()).sort(),
      [held, other].map(({ key }) => key.slice(`${NET}/subnets/`.length)).sort(),
    );
    assert.equal((await etcd.client().timeToLive(former.leaseId)).left, -1);
  });

  it('gives back what is not even a lease of the network that it serves now', async () => {
    const { options, leases } = await ground();
    const networkOf = (text: string) => {
      const parsed = parseNetworkConfig(text);
      assert.ok(parsed.ok);
      return parsed.value;
    };
    // The second half of a /24 begins where no /24 does.
    const halves = networkOf('{"Network":"10.5.0.0/16","SubnetLen":25}');
    const half = await acquire(options(1, { network: halves, remembered: [prefix('10.5.7.128/25')] }));
    const other = await acquire(options(2, { network: halves, remembered: [prefix('10.5.8.128/25')] }));
    assert.deepEqual(
      [half, other].map(({ subnet }) => printPrefix(subnet)),
      ['10.5.7.128/25', '10.5.8.128/25'],
    );
    const whole = await acquire(options(1));
    const namesOf = (...held: readonly { readonly key: string }[]) =>
      held.map(({ key }) => key.slice(`${NET}/subnets/`.length)).sort();
    assert.deepEqual(Object.keys(await leases()).sort(), namesOf(whole, other));
    const moved = await acquire(options(1, { network: networkOf('{"Network":"10.6.0.0/16"}') }));
    assert.deepEqual(Object.keys(await leases()).sort(), namesOf(moved, other));
  });

  it('takes over what flanneld left, and keeps what it does not know', async () => {
    const { etcd, options, leases } = await ground({ Backend: { Type: 'vxlan' } });
    const lease = await etcd.client().grant(80_000);
    await overwrite(
      etcd,
      'subnets/10.5.7.0-24',
      '{"PublicIP":"10.200.0.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"2a:12:e9:1f:42:2b"},"Colour":"red"}',
      lease,
    );
    const announcement = announcementOf(1, { type: 'vxlan', vni: 1, mac: mac('02:11:22:33:44:55') });
    const held = await acquire(options(1, { announcement }));
    assert.deepEqual([printPrefix(held.subnet), held.leaseId, held.resumed], ['10.5.7.0/24', lease, true]);
    const value = (await leases())['10.5.7.0-24'] ?? '';
    assert.match(value, /"VtepMAC":"02:11:22:33:44:55".*"Colour":"red"/);
    assert.equal(nodeIdIn(value), nodeId(1));
  });

  it('leaves a reservation without TTL', async () => {
    const { etcd, clock, options, leases } = await ground();
    await overwrite(etcd, 'subnets/10.5.7.0-24', '{"PublicIP":"10.200.0.1"}');
    const held = await acquire(options(1));
    assert.equal(held.leaseId, 0n);
    assert.deepEqual(await acquire(options(1)), held);
    await clock.advance(90_000_000);
    assert.deepEqual(Object.keys(await leases()), ['10.5.7.0-24']);
  });

  it('prefers what it had, and yields when another has it', async () => {
    const { etcd, options } = await ground();
    const remembered = [prefix('10.5.200.0/24')];
    const held = await acquire(options(1, { remembered }));
    assert.equal(printPrefix(held.subnet), '10.5.200.0/24');
    const other = await acquire(options(2, { remembered }));
    assert.notEqual(printPrefix(other.subnet), '10.5.200.0/24');
    await etcd.client().revoke(held.leaseId);
    assert.equal(printPrefix((await acquire(options(3, { remembered }))).subnet), '10.5.200.0/24');
  });

  it('uses the list it is given first, and looks itself when that is old', async () => {
    const { store, options } = await ground(FOUR);
    const known = await viewOf(store);
    const first = await acquire(options(1), known);
    const second = await acquire(options(2), known);
    assert.notDeepEqual(second.subnet, first.subnet);
    await store.release(second);
    const stale = await viewOf(store);
    await store.release(first);
    assert.equal((await acquire(options(1), stale)).resumed, false);
  });

  it('does not take a key over that is another’s since the list was made', async () => {
    const { etcd, store, options, leases } = await ground();
    const ours = await acquire(options(1));
    const known = await viewOf(store);
    etcd.expire(ours.leaseId);
    const other = await acquire(options(2, { remembered: [ours.subnet] }));
    assert.deepEqual(other.subnet, ours.subnet);
    assert.notDeepEqual((await acquire(options(1), known)).subnet, ours.subnet);
    assert.equal((await leases())['10.5.2.0-24'], printLease(announcementOf(2)));
  });

  it('fifty at once get fifty different subnets, and leave no other lease behind', async () => {
    const { etcd, options, leases } = await ground();
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const held = await Promise.all(Array.from({ length: 50 }, (_, i) => acquire(options(i + 1, { random }))));
    assert.equal(new Set(held.map(({ subnet }) => printPrefix(subnet))).size, 50);
    assert.equal(Object.keys(await leases()).length, 50);
    const alive = new Set(held.map(({ leaseId }) => leaseId));
    for (let id = 7_001n; id < 7_200n; id++) {
      const { left } = await etcd.client().timeToLive(id);
      assert.equal(left > 0, alive.has(id), `lease ${id}`);
    }
  });

  it('three subnets for five: three win, two are told that nothing is free', async () => {
    const { options, leases } = await ground(FOUR);
    const results = await Promise.allSettled([1, 2, 3, 4, 5].map((number) => acquire(options(number))));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 3);
    for (const result of results)
      if (result.status === 'rejected') assert.ok(codeOf('NO_FREE_SUBNET')(result.reason), String(result.reason));
    assert.equal(Object.keys(await leases()).length, 3);
  });

  it('garbage at a hundred keys costs those keys and nothing else', async () => {
    const { etcd, options } = await ground();
    for (let i = 1; i <= 150; i++)
      await overwrite(etcd, `subnets/10.5.${i}.0-24`, i % 2 ? 'x' : '{"PublicIP":"$(id)"}');
    await overwrite(etcd, 'subnets/10.5.0.0-17', '{"PublicIP":"10.200.0.9"}');
    const held = await acquire(options(1, { remembered: [prefix('10.5.3.0/24')] }));
    assert.ok(held.subnet.address > prefix('10.5.150.0/24').address);
  });

  it('keeps to the network it knows, whatever the config has become', async () => {
    const { etcd, options } = await ground();
    const first = await acquire(options(1));
    await overwrite(etcd, 'config', '{"Network":"10.99.0.0/16"}');
    assert.deepEqual((await acquire(options(1))).subnet, first.subnet);
    await erase(etcd, 'config');
    assert.notDeepEqual((await acquire(options(2))).subnet, first.subnet);
  });

  it('a lost answer is not a lost subnet', async () => {
    const { etcd, options, leases } = await ground();
    const kv = etcd.client();
    const deaf: Kv = {
      ...kv,
      txn: (...args) => {
        etcd.loseAnswers(1);
        return kv.txn(...args);
      },
    };
    const held = await acquire(options(1, { store: openStore(deaf, NET) }));
    assert.deepEqual(Object.values(await leases()), [printLease(announcementOf(1))]);
    assert.equal((await kv.timeToLive(held.leaseId)).left, 86_400);
    assert.deepEqual(await acquire(options(1)), { ...held, resumed: true });
  });

  it('says so when etcd does not answer at all', async () => {
    const { etcd, options } = await ground();
    etcd.setUp(false);
    await assert.rejects(acquire(options(1)), codeOf('ETCD_UNREACHABLE'));
  });
});
