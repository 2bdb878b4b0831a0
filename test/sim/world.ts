import { createMemoryEtcd, type MemoryEtcd } from '../../src/store/memory/etcd.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { overwrite } from '../support/lease.ts';
import { type History, recordHistory } from './history.ts';
import { watchKernels } from './kernels.ts';
import { createNode, type SimNode } from './node.ts';
import { type Chance, createChance } from './random.ts';
import { setWallClock, type WallClock } from './wall-clock.ts';

/** A cluster in one process, on one clock: the same seed is the same story. */
export interface World {
  readonly chance: Chance;
  readonly clock: TestClock;
  readonly wallClock: WallClock;
  readonly etcd: MemoryEtcd;
  readonly history: History;
  readonly nodes: readonly SimNode[];
  readonly trace: readonly string[];
  /** Subnets that two hosts had for too long. */
  readonly disputes: readonly string[];
  note(line: string): void;
  /** For so long nobody can be blamed: etcd, or the way to it, is at fault. */
  disturb(ms: number): void;
  /** When that ended last, or will. */
  calmSince(): number;
}

const BACKENDS = [{ Type: 'udp' }, { Type: 'vxlan' }, { Type: 'vxlan', DirectRouting: true }, { Type: 'host-gw' }];

/** Three to eight nodes, and hardly more subnets than nodes: who loses one may find another there. */
function smallCluster(chance: Chance): { count: number; config: object } {
  const count = chance.between(3, 8);
  const SubnetMax = `10.5.${count + chance.between(0, 2)}.0`;
  return { count, config: { Network: '10.5.0.0/20', SubnetLen: 24, SubnetMax, Backend: chance.pick(BACKENDS) } };
}

/** With `size` that many nodes, on vxlan. */
export async function createWorld(seed: number, size?: number): Promise<World> {
  const chance = createChance(seed);
  const clock = createTestClock();
  const etcd = createMemoryEtcd(clock);
  const history = recordHistory(etcd, clock);
  const trace: string[] = [];
  const note = (line: string) => trace.push(`${(clock.now() / 1000).toFixed(3)} ${line}`);
  const { count, config } = size
    ? { count: size, config: { Network: '10.0.0.0/12', SubnetLen: 24, Backend: { Type: 'vxlan' } } }
    : smallCluster(chance);
  note(`seed ${seed} ${JSON.stringify(config)}`);
  await overwrite(etcd, 'config', JSON.stringify(config));
  const node = (number: number) => createNode({ clock, etcd, random: chance.next, trace: note }, number);
  const nodes = Array.from({ length: count }, (_, i) => node(i + 1));
  let calm = 0;
  const calmSince = () => calm;
  return {
    ...{ chance, clock, etcd, history, trace, note, nodes, calmSince },
    wallClock: setWallClock(clock.now),
    disputes: watchKernels({ clock, nodes, calmSince }),
    disturb(ms) {
      calm = Math.max(calm, clock.now() + ms);
    },
  };
}
