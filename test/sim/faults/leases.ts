/** What others may write to etcd. */
import type { Held } from '../../../src/lease/acquire.ts';
import { printLease } from '../../../src/model/lease.ts';
import { erase, overwrite } from '../../support/lease.ts';
import { announcementOf } from '../../support/values.ts';
import { TTL_SECONDS } from '../node.ts';
import type { World } from '../world.ts';

import type { Fault } from './fault.ts';

/** By hand, in etcd. */
const meddle: Fault = {
  name: 'meddle',
  async inject(world) {
    const holder = world.chance.pick(world.nodes).node()?.holder;
    if (!holder) return;
    const { key, leaseId } = holder.current();
    const name = key.slice(key.indexOf('/subnets/') + 1);
    const isDeleted = world.chance.next() < 0.5;
    world.note(`${isDeleted ? 'delete' : 'expire'} ${name}`);
    if (isDeleted) await erase(world.etcd, name).catch(() => undefined);
    else world.etcd.expire(leaseId);
  },
};

/** The lease of this node runs out at once, or its key is deleted, and somebody else takes the subnet for a while. */
async function giveToGuest(world: World, { key, leaseId }: Pick<Held, 'key' | 'leaseId'>): Promise<void> {
  const kv = world.etcd.client();
  const lease = await kv.grant(world.chance.between(5, TTL_SECONDS)).catch(() => undefined);
  if (lease === undefined) return;
  if (world.chance.next() < 0.5) world.etcd.expire(leaseId);
  else await kv.txn([], [{ op: 'delete', key }]).catch(() => undefined);
  const value = printLease({ ...announcementOf(200), nodeName: 'guest' });
  const absent = [{ target: 'create', key, revision: 0n }] as const;
  const taken = await kv.txn(absent, [{ op: 'put', key, value, lease }]).catch(() => undefined);
  if (taken?.succeeded) world.note(`a guest takes ${key}`);
}

/** While a node sleeps. */
const usurp: Fault = {
  name: 'usurp',
  async inject(world) {
    const node = world.chance.pick(world.nodes);
    const holder = node.node()?.holder;
    if (!holder || node.isStopped()) return;
    const seconds = world.chance.between(0, 10);
    world.note(`n${node.number} sleeps for ${seconds} s`);
    node.stop();
    world.clock.after(seconds * 1000, () => node.go());
    await giveToGuest(world, holder.current());
  },
};

/** Somebody writes to the lease of a node, which writes it back; meanwhile it may become another's. */
const forge: Fault = {
  name: 'forge',
  async inject(world) {
    const node = world.chance.pick(world.nodes);
    const own = node.node()?.holder.current();
    if (!own) return;
    const name = own.key.slice(own.key.indexOf('/subnets/') + 1);
    const { kvs } = await world.etcd
      .client()
      .range(own.key, { exact: true })
      .catch(() => ({ kvs: [] }));
    if (kvs[0]?.value !== own.value) return;
    world.note(`forge ${name}`);
    const forged = own.value.replace(/"10\.200\.0\.\d+"/, '"10.200.0.99"');
    await overwrite(world.etcd, name, forged, own.leaseId).catch(() => undefined);
    if (world.chance.next() < 0.5) world.clock.after(world.chance.between(0, 400), () => void giveToGuest(world, own));
  },
};

const GARBAGE = ['x', '{}', '{"PublicIP":"$(id)"}', '[['.repeat(100), '{"PublicIP":"127.0.0.1"}'];

const garbage: Fault = {
  name: 'garbage',
  async inject(world) {
    const cell = world.chance.between(1, 15);
    const lease = await world.etcd
      .client()
      .grant(world.chance.between(5, 40))
      .catch(() => undefined);
    const name = `subnets/10.5.${cell}.0-24`;
    const there = (
      await world.etcd
        .client()
        .range(`/coreos.com/network/${name}`, { exact: true })
        .catch(() => undefined)
    )?.kvs;
    if (lease === undefined || !there || there.length > 0) return;
    world.note(`garbage at ${name}`);
    await overwrite(world.etcd, name, world.chance.pick(GARBAGE), lease).catch(() => undefined);
  },
};

export const LEASE_FAULTS: readonly Fault[] = [meddle, usurp, forge, garbage];
