/** I2: no two hosts are configured for overlapping subnets for longer than the loser, being able to, needs to yield. */
import { overlaps, type Prefix, prefixOf, printPrefix } from '../../src/model/address.ts';
import { parseSubnetEnv } from '../../src/model/subnet-env.ts';
import type { SimNode } from './node.ts';
import type { World } from './world.ts';

const LOOK_MS = 2_000;

/** Two seconds are the promise; answers that are slow, or lost once, come on top. */
const YIELD_MS = 10_000;

const ENV = '/run/flannel/subnet.env';

/** Where other containers than its own would answer. */
async function subnetsOf({ kernel }: SimNode): Promise<Prefix[]> {
  const seen = await kernel.observe({ kinds: new Set(['file']), paths: [ENV], sysctls: [] });
  const file = seen.get(`file/${ENV}`)?.object;
  const env = file?.kind === 'file' ? parseSubnetEnv(file.content, ENV) : undefined;
  return env?.ok ? [prefixOf(env.value.subnet.ip, env.value.subnet.length)] : [];
}

/** It runs, and has said last that it holds what it is configured for. */
const isAble = (node: SimNode): boolean => {
  const state = node.node()?.holder.state();
  return !node.isStopped() && (state === 'held' || state === 'doubtful');
};

/** Looks again and again; what it finds goes to `violations`. */
export function watchKernels(world: Pick<World, 'clock' | 'nodes' | 'calmSince'>): readonly string[] {
  const violations: string[] = [];
  const since = new Map<string, number>();

  function judge(pair: string, isWrong: boolean): void {
    if (!isWrong) since.delete(pair);
    else if (!since.has(pair)) since.set(pair, world.clock.now());
    const began = Math.max(since.get(pair) ?? Number.POSITIVE_INFINITY, world.calmSince());
    if (world.clock.now() - began <= YIELD_MS) return;
    violations.push(`${(world.clock.now() / 1000).toFixed(1)} s: ${pair} for ${world.clock.now() - began} ms`);
    since.delete(pair);
  }

  async function look(): Promise<void> {
    const able = world.nodes.filter(isAble);
    const all = await Promise.all(able.map(async (node) => ({ node, subnets: await subnetsOf(node) })));
    const wrong = new Set<string>();
    for (const [i, a] of all.entries())
      for (const b of all.slice(i + 1))
        for (const one of a.subnets)
          if (b.subnets.some((other) => overlaps(one, other)))
            wrong.add(`n${a.node.number} and n${b.node.number} both have ${printPrefix(one)}`);
    for (const pair of new Set([...since.keys(), ...wrong])) judge(pair, wrong.has(pair));
  }

  const again = (): void => {
    void look();
    world.clock.after(LOOK_MS, again);
  };
  again();
  return violations;
}
