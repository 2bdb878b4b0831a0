/** What happens to hosts and processes. */
import { TTL_SECONDS } from '../node.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';

const secondsToPast = (world: World): number => world.chance.between(1, 2 * TTL_SECONDS);

/** A stopped process goes on by itself, sometimes only after its lease has run out; a suspended machine does not know how long that was. */
const sleep = (name: string, suspended: boolean): Fault => ({
  name,
  inject(world) {
    const node = world.chance.pick(world.nodes);
    if (!node.isStarted() || node.isStopped()) return;
    const seconds = secondsToPast(world);
    world.note(`${name} n${node.number} for ${seconds} s`);
    node.stop({ suspended });
    world.clock.after(seconds * 1000, () => node.go());
  },
});

/** Some stop one after the other, and go on in another order. */
const swizzle: Fault = {
  name: 'swizzle',
  inject(world) {
    const { chance, clock } = world;
    const some = world.nodes.filter((node) => node.isStarted() && !node.isStopped() && chance.next() < 0.6);
    world.note(`swizzle ${some.map(({ number }) => `n${number}`).join(' ')}`);
    for (const node of some) {
      const at = chance.between(0, 5_000);
      clock.after(at, () => node.stop());
      clock.after(at + chance.between(1, 1.5 * TTL_SECONDS * 1000), () => node.go());
    }
  },
};

const HOUR_MS = 3_600_000;

const wallClock: Fault = {
  name: 'wall clock',
  inject({ chance, wallClock: wall, note }) {
    const hours = chance.pick([1, -1, 24, -24, 87_600, -87_600]);
    note(`the time of day jumps by ${hours} h`);
    wall.jump(hours * HOUR_MS);
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

/** Most of them are gone for longer than a lease lives, and come back as new nodes. */
const blackout: Fault = {
  name: 'blackout',
  inject(world) {
    const gone = world.nodes.slice(1);
    world.note('blackout of all but n1');
    if (world.chance.next() < 0.5) {
      world.disturb((TTL_SECONDS + 10) * 1000);
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

export const NODE_FAULTS: readonly Fault[] = [
  sleep('pause', false),
  sleep('suspend', true),
  swizzle,
  wallClock,
  crash,
  reinstall,
  vandal,
  blackout,
];
