import { UNDERLAY } from '../lab.ts';
import { type Asked, startAsked } from './asked.ts';
import { type Fault, now } from './chaos.ts';
import type { CrowdAnswer, CrowdQuestion } from './crowd-entry.ts';
import { waysOn } from './parts.ts';
import type { Stage } from './stage.ts';

/** Rows about many nodes at once. They are real clients of etcd, all in one process; the lab's own nodes are the kernels that follow. */

const MANY = 200;
const CONTENDERS = 50;
/** What the matrix asks for. */
const KERNELS_MS = 60_000;
const MOST_REQUESTS = 8;
const RETRY_MS = 5_000;
/** Not the subnets of the other faults' strangers. */
const ROOM = { SubnetMin: '10.97.1.0', SubnetMax: '10.97.253.0' } as const;
const LAST = { SubnetMin: '10.97.254.0', SubnetMax: '10.97.254.0' } as const;

type Crowd = Asked<CrowdQuestion, CrowdAnswer>;

/** Members number `first` and on, which know the network so much of it as `range`. */
function gather({ lab, backend }: Stage, range: object, count: number, first: number): Promise<Crowd> {
  const options = {
    ...{ count, first, underlay: UNDERLAY.prefix, prefix: '/coreos.com/network' },
    endpoints: lab.nodes.filter(({ member }) => member).map(({ ip }) => `http://${ip}:2379`),
    config: JSON.stringify({ Network: lab.spec.network, ...range, Backend: { Type: backend } }),
  };
  return startAsked(lab, lab.underlay, 'crowd', JSON.stringify(options));
}

/** Every node has a way to so many others, and no step is left. */
async function allKnow(stage: Stage, others: number): Promise<boolean> {
  for (const [i, node] of stage.lab.nodes.entries()) {
    const ways = await waysOn(stage, i + 1);
    if (ways.length !== others || ((await stage.subject.open(node)) ?? 0) > 0) return false;
  }
  return true;
}

const mean = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / Math.max(1, list.length);

const crowded: Fault = {
  row: 22,
  name: 'crowd-joins-and-leaves',
  about: `${MANY} nodes join at once, in a handful of requests each, and leave at once (row 23); all kernels follow (the crowd is tsflannel's, whatever the daemon)`,
  budget: () => ({ gapMs: 0, healMs: 2_000 }),
  async run(stage) {
    const { lab, note, expect, until } = stage;
    const crowd = await gather(stage, ROOM, MANY, 1_001);
    try {
      const begun = now();
      const { subnets = [], errors = [], requests = [] } = await crowd.ask({ ask: 'join' });
      const leased = now() - begun;
      expect(errors.length === 0, `${errors.length} of ${MANY} got no subnet: ${errors[0]}`);
      expect(new Set(subnets).size === MANY, `${new Set(subnets).size} different subnets for ${MANY} nodes`);
      expect(mean(requests) <= MOST_REQUESTS, `${mean(requests)} requests a node`);
      await until('all kernels know all', () => allKnow(stage, lab.nodes.length - 1 + MANY), KERNELS_MS);
      note(`${MANY} leased in ${Math.round(leased)} ms, ${mean(requests).toFixed(1)} requests each`);
      note(`in all kernels after ${((now() - begun) / 1000).toFixed(1)} s`);
    } finally {
      await crowd.ask({ ask: 'leave' });
      await crowd.kill();
    }
  },
  healed: (stage) => allKnow(stage, stage.lab.nodes.length - 1),
};

const contested: Fault = {
  row: 23,
  name: 'last-subnet-contested',
  about: `${CONTENDERS} nodes want the last free subnet at once: one has it, the others are told; when it leaves another has it`,
  budget: () => ({ gapMs: 0, healMs: 2_000 }),
  ownOnly: true,
  async run(stage) {
    const { note, expect } = stage;
    const crowd = await gather(stage, LAST, CONTENDERS, 2_001);
    try {
      const { subnets = [], errors = [] } = await crowd.ask({ ask: 'join' });
      const told = errors.filter((code) => code === 'NO_FREE_SUBNET').length;
      expect(
        subnets.length === 1 && told === CONTENDERS - 1,
        `${subnets.length} have it; ${told} are told: ${errors[0]}`,
      );
      await crowd.ask({ ask: 'leave' });
      const begun = now();
      const again = await crowd.ask({ ask: 'join' });
      expect(again.subnets?.length === 1, `${again.subnets?.length} have it the second time`);
      expect(now() - begun <= RETRY_MS, `it took ${Math.round(now() - begun)} ms the second time`);
      note(`free again, it was taken in ${Math.round(now() - begun)} ms`);
    } finally {
      await crowd.ask({ ask: 'leave' });
      await crowd.kill();
    }
  },
  healed: (stage) => allKnow(stage, stage.lab.nodes.length - 1),
};

export const CROWD_FAULTS: readonly Fault[] = [crowded, contested];
