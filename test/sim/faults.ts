import type { Held } from '../../src/lease/acquire.ts';
import { printLease } from '../../src/model/lease.ts';
import { erase, overwrite } from '../support/lease.ts';
import { announcementOf } from '../support/values.ts';
import { TTL_SECONDS } from './node.ts';
import type { World } from './world.ts';

/** Something that goes wrong, and is over by itself or when `heal` is called. */
export interface Fault {
  readonly name: string;
  inject(world: World): void | Promise<void>;
}

const secondsToPast = (world: World): number => world.chance.between(1, 2 * TTL_SECONDS);

/** A stopped process goes on by itself, sometimes only after its lease has run out. */
const pause: Fault = {
  name: 'pause',
  inject(world) {
    const node = world.chance.pick(world.nodes);
    if (!node.isStarted() || node.isStopped()) return;
    const seconds = secondsToPast(world);
    world.note(`pause n${node.number} for ${seconds} s`);
    node.stop();
    world.clock.after(seconds * 1000, () => node.go());
  },
};

const crash: Fault = {
  name: 'crash',
  inject(world) {
    const node = world.chance.pick(world.nodes);
    if (!node.isStarted()) return;
    const seconds = world.chance.pick([0, 1, 5, 30, 2 * TTL_SECONDS]);
    world.note(`crash n${node.number} for ${seconds} s`);
    node.crash();
    world.clock.after(seconds * 1000, () => node.start());
  },
};

const reinstall: Fault = {
  name: 'reinstall',
  inject(world) {
    const node = world.chance.pick(world.nodes);
    world.note(`reinstall n${node.number}`);
    node.crash();
    node.wipeDisk();
    world.clock.after(world.chance.between(0, TTL_SECONDS) * 1000, () => node.start());
  },
};

const cut: Fault = {
  name: 'cut',
  inject(world) {
    world.note('cut all watches');
    world.etcd.cutStreams();
  },
};

const hold: Fault = {
  name: 'hold',
  inject(world) {
    const ms = world.chance.between(1, 5_000);
    world.note(`hold events back for ${ms} ms`);
    world.etcd.pauseStreams();
    world.clock.after(ms, () => world.etcd.resumeStreams());
  },
};

const compact: Fault = {
  name: 'compact',
  inject({ etcd, history, note }) {
    const revision = history.position() - 1n;
    if (revision < 2n || revision > etcd.revision()) return;
    note(`compact ${revision}`);
    etcd.compact(revision);
    etcd.cutStreams();
  },
};

const away: Fault = {
  name: 'away',
  inject(world) {
    const seconds = world.chance.between(1, 30);
    world.note(`etcd away for ${seconds} s`);
    world.etcd.setUp(false);
    world.clock.after(seconds * 1000, () => world.etcd.setUp(true));
  },
};

const deaf: Fault = {
  name: 'deaf',
  inject(world) {
    const count = world.chance.between(1, 3);
    world.note(`lose ${count} answers`);
    world.etcd.loseAnswers(count);
  },
};

const vandal: Fault = {
  name: 'vandal',
  async inject(world) {
    const node = world.chance.pick(world.nodes);
    const seen = await node.kernel.observe({ paths: ['/run/flannel/subnet.env'], sysctls: [] });
    const ours = [...seen].flatMap(([key, { ours: mine }]) => (mine ? [key] : []));
    if (ours.length === 0) return;
    const key = world.chance.pick(ours);
    world.note(`vandal takes ${key} of n${node.number}`);
    node.kernel.removeBehindBack(key);
  },
};

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

/** Most of them are gone for longer than a lease lives, and come back as new nodes. */
const blackout: Fault = {
  name: 'blackout',
  inject(world) {
    const gone = world.nodes.slice(1);
    world.note('blackout of all but n1');
    if (world.chance.next() < 0.5) {
      world.clock.after((TTL_SECONDS - 2) * 1000, () => world.etcd.pauseStreams());
      world.clock.after((TTL_SECONDS + 1) * 1000, () => world.etcd.resumeStreams());
      world.clock.after((TTL_SECONDS + 1) * 1000 + 1, () => world.etcd.setUp(false));
      world.clock.after((TTL_SECONDS + 10) * 1000, () => world.etcd.setUp(true));
    }
    for (const node of gone) {
      node.crash();
      node.wipeDisk();
      world.clock.after((TTL_SECONDS + world.chance.between(15, 40)) * 1000, () => node.start());
    }
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

export const FAULTS: readonly Fault[] = [
  pause,
  crash,
  reinstall,
  cut,
  hold,
  compact,
  away,
  deaf,
  vandal,
  meddle,
  usurp,
  forge,
  blackout,
  garbage,
];
