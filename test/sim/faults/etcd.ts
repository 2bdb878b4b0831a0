/** What etcd, and the way to it, may do. */
import type { Fault } from './fault.ts';

/** As no etcd and no HTTP/2 would: what the watcher must find out all the same. */
const disorder: Fault = {
  name: 'disorder',
  inject(world) {
    const seconds = world.chance.between(1, 60);
    world.note(`etcd is heard in disorder for ${seconds} s`);
    world.disturb(seconds * 1000);
    for (const node of world.nodes) node.disorder(seconds * 1000);
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
    world.disturb(ms);
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
    world.disturb(seconds * 1000);
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

/** etcd comes back with data as old as now, some time from now, after it was away for a while. */
const restore: Fault = {
  name: 'restore',
  inject(world) {
    const { chance, clock, etcd, history, note } = world;
    const older = etcd.backup();
    const sameCluster = chance.next() < 0.7;
    const away = chance.between(0, 5_000);
    note(`backup of revision ${etcd.revision()}`);
    const back = (): void => {
      note(`etcd is restored from the backup, ${sameCluster ? 'with its id' : 'as a new cluster'}`);
      older({ sameCluster });
      etcd.setUp(true);
      void history.restored();
    };
    clock.after(chance.pick([0, 1_000, 10_000, 60_000]), () => {
      world.disturb(away);
      etcd.setUp(false);
      clock.after(away, back);
    });
  },
};

export const ETCD_FAULTS: readonly Fault[] = [disorder, cut, hold, compact, away, deaf, restore];
