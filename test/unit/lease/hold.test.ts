import assert from 'node:assert/strict';
import { acquire, type Held } from '../../../src/lease/acquire.ts';
import { hold } from '../../../src/lease/hold.ts';
import { printPrefix } from '../../../src/model/address.ts';
import { printLease } from '../../../src/model/lease.ts';
import { settle } from '../../support/clock.ts';
import { holderRig } from '../../support/holder.ts';
import { NET } from '../../support/kvs.ts';
import { erase, ground, overwrite } from '../../support/lease.ts';
import { announcementOf } from '../../support/values.ts';

const TTL = 86_400_000;
const nameOf = ({ key }: Held): string => key.slice(NET.length + 1);
const ours = (held: Held) => ({ [nameOf(held).slice('subnets/'.length)]: printLease(announcementOf(1)) });

describe('holding a lease', () => {
  it('renews it every ten minutes, and writes nothing', async () => {
    const { clock, etcd, holder, held, calls, leases, events } = await holderRig();
    const revision = etcd.revision();
    await clock.advance(3 * TTL);
    assert.equal(calls().filter((name) => name === 'keepAliveOnce').length, (3 * TTL) / 600_000);
    assert.equal(etcd.revision(), revision);
    assert.deepEqual(Object.keys(await leases()), [nameOf(held).slice('subnets/'.length)]);
    assert.deepEqual(events, []);
    await clock.advance(60_000);
    assert.equal(holder.secondsLeft(), 86_340);
  });

  it('is renewed in time when its etcd lease is shorter than ours are', async () => {
    const { clock, etcd, holder, held, events } = await holderRig(async (base) => {
      const lease = await base.etcd.client().grant(90);
      await overwrite(base.etcd, 'subnets/10.5.7.0-24', '{"PublicIP":"10.200.0.1"}', lease);
    });
    assert.equal(printPrefix(held.subnet), '10.5.7.0/24');
    assert.equal(holder.secondsLeft(), 90);
    await clock.advance(3_600_000);
    assert.equal((await etcd.client().range(held.key, { exact: true })).kvs[0]?.lease, held.leaseId);
    assert.deepEqual(events, []);
  });

  it('is doubtful while etcd is away, and held again after; nothing is claimed', async () => {
    const { clock, etcd, holder, changes, events, held } = await holderRig();
    etcd.setUp(false);
    await clock.advance(600_000);
    assert.equal(holder.state(), 'doubtful');
    await clock.advance(3_600_000);
    etcd.setUp(true);
    await clock.advance(5_000);
    assert.equal(holder.state(), 'held');
    assert.deepEqual(holder.current(), held);
    assert.deepEqual([changes, events], [[], ['lease-doubtful', 'lease-held']]);
  });

  it('takes the same subnet when its key was deleted', async () => {
    const { etcd, holder, held, changes, leases } = await holderRig();
    await erase(etcd, nameOf(held));
    await holder.check();
    assert.deepEqual(holder.current().subnet, held.subnet);
    assert.deepEqual(Object.values(await leases()), [printLease(announcementOf(1))]);
    assert.deepEqual(changes, ['10.5.2.0/24 -> 10.5.2.0/24']);
    assert.equal((await etcd.client().timeToLive(holder.current().leaseId)).left, 86_400);
  });

  it('finds out by itself when nobody tells it', async () => {
    const { clock, etcd, holder, held, leases } = await holderRig();
    await erase(etcd, nameOf(held));
    await clock.advance(600_000);
    assert.equal(holder.state(), 'held');
    assert.equal(Object.keys(await leases()).length, 1);
  });

  it('takes the same subnet when its etcd lease was revoked', async () => {
    const { etcd, holder, held } = await holderRig();
    await etcd.client().revoke(held.leaseId);
    await holder.check();
    assert.deepEqual(holder.current().subnet, held.subnet);
    assert.notEqual(holder.current().leaseId, held.leaseId);
  });

  it('takes the same subnet when the lease runs out just as it is renewed', async () => {
    const base = await ground();
    const claim = base.options(1);
    const held = await acquire(claim);
    const keepAlive = async (lease: bigint) => {
      base.etcd.expire(held.leaseId);
      return claim.store.keepAlive(lease);
    };
    const holder = hold(held, {
      claim: { ...claim, store: { ...claim.store, keepAlive } },
      ...{ clock: base.clock, renewEveryMs: 600_000, onChange: () => undefined, log: () => undefined },
    });
    await holder.check();
    assert.deepEqual(holder.current().subnet, held.subnet);
    assert.deepEqual(Object.values(await base.leases()), [printLease(announcementOf(1))]);
  });

  it('asleep past its time, it writes nothing to a key that is another’s, and takes another subnet', async () => {
    const { clock, etcd, holder, held, options, changes, leases } = await holderRig();
    etcd.expire(held.leaseId);
    const other = await acquire(options(2, { remembered: [held.subnet] }));
    assert.deepEqual(other.subnet, held.subnet);
    await clock.advance(600_000);
    assert.notDeepEqual(holder.current().subnet, held.subnet);
    assert.equal(changes.length, 1);
    assert.equal((await leases())[nameOf(held).slice('subnets/'.length)], printLease(announcementOf(2)));
    assert.equal((await etcd.client().range(other.key, { exact: true })).kvs[0]?.modRevision, other.modRevision);
  });

  it('stays lost while nothing is free, and takes what is given back within 5 s', async () => {
    const base = await ground({
      Network: '10.5.0.0/24',
      SubnetLen: 26,
      SubnetMin: '10.5.0.64',
      SubnetMax: '10.5.0.64',
    });
    const claim = base.options(1);
    const held = await acquire(claim);
    const events: string[] = [];
    const holder = hold(held, {
      ...{ claim, clock: base.clock, renewEveryMs: 600_000 },
      onChange: () => undefined,
      log: (event) => events.push(event),
    });
    base.etcd.expire(held.leaseId);
    const other = await acquire(base.options(2));
    await holder.check();
    assert.equal(holder.state(), 'lost');
    await base.clock.advance(60_000);
    assert.deepEqual(events, ['lease-lost']);
    await base.store.release(other);
    await base.clock.advance(5_000);
    assert.equal(holder.state(), 'held');
    assert.deepEqual(Object.values(await base.leases()), [printLease(announcementOf(1))]);
  });

  it('keeps a reservation, and one that it becomes', async () => {
    const { clock, etcd, holder, held, calls, leases } = await holderRig();
    await overwrite(etcd, nameOf(held), held.value);
    await holder.check();
    assert.equal(holder.current().leaseId, 0n);
    assert.equal(holder.secondsLeft(), undefined);
    calls();
    await clock.advance(3 * TTL);
    assert.deepEqual([...new Set(calls())], ['range']);
    assert.equal(Object.keys(await leases()).length, 1);
  });

  it('writes back what somebody changed under its id, at most every 5 s', async () => {
    const { clock, etcd, holder, held, leases, events } = await holderRig();
    const forged = printLease({ ...announcementOf(1), publicIp: announcementOf(66).publicIp });
    await overwrite(etcd, nameOf(held), forged, held.leaseId);
    await holder.check();
    assert.deepEqual(await leases(), ours(held));
    await overwrite(etcd, nameOf(held), forged, held.leaseId);
    await holder.check();
    assert.notDeepEqual(await leases(), ours(held));
    await clock.advance(5_000);
    assert.deepEqual(await leases(), ours(held));
    assert.equal(holder.current().leaseId, held.leaseId);
    assert.deepEqual([...new Set(events)], ['lease-overwritten']);
  });

  it('announces a new address once, on the subnet and the etcd lease it has', async () => {
    const { clock, etcd, holder, held, leases, events, changes } = await holderRig();
    const { publicIp } = announcementOf(9);
    holder.announce({ publicIp, peer: { type: 'udp' } });
    await clock.advance(0);
    assert.deepEqual(await leases(), { '10.5.2.0-24': printLease({ ...announcementOf(1), publicIp }) });
    assert.equal((await etcd.client().range(held.key, { exact: true })).kvs[0]?.lease, held.leaseId);
    const revision = etcd.revision();
    assert.equal(holder.current().modRevision, revision);
    await clock.advance(3_600_000);
    assert.deepEqual([etcd.revision(), events, changes], [revision, ['lease-announced'], []]);
  });

  it('keeps a field that somebody added', async () => {
    const { etcd, holder, held, leases } = await holderRig();
    const value = printLease(announcementOf(1), '{"Colour":"red"}');
    await overwrite(etcd, nameOf(held), value, held.leaseId);
    const revision = etcd.revision();
    await holder.check();
    assert.equal(etcd.revision(), revision);
    assert.deepEqual(Object.values(await leases()), [value]);
  });

  it('looks again when something happens during a look', async () => {
    const { etcd, holder, held, leases } = await holderRig();
    const looking = holder.check();
    await Promise.resolve();
    await Promise.resolve();
    await erase(etcd, nameOf(held));
    await Promise.all([looking, holder.check()]);
    await settle();
    assert.equal(Object.keys(await leases()).length, 1);
  });

  it('a bell does not put the renewal off', async () => {
    const { clock, etcd, holder, held, leases } = await holderRig();
    for (let i = 0; i < 3 * 24 * 12; i++) {
      await clock.advance(300_000);
      await holder.check();
    }
    assert.equal(Object.keys(await leases()).length, 1);
    assert.ok((await etcd.client().timeToLive(held.leaseId)).left > 80_000);
  });

  it('survives answers that get lost while it takes its subnet back', async () => {
    const { clock, etcd, holder, held, leases } = await holderRig();
    await erase(etcd, nameOf(held));
    etcd.loseAnswers(3);
    await holder.check();
    await clock.advance(10_000);
    assert.equal(holder.state(), 'held');
    assert.deepEqual(holder.current().subnet, held.subnet);
    assert.equal(Object.keys(await leases()).length, 1);
  });

  it('does nothing any more when it is closed', async () => {
    const { clock, etcd, holder, held, calls, leases } = await holderRig();
    holder.close();
    await erase(etcd, nameOf(held));
    await holder.check();
    await clock.advance(TTL);
    assert.deepEqual([calls(), await leases()], [[], {}]);
  });
});
