/** A whole cluster joins at once (row 22): TSFLANNEL_SIM_NODES nodes. Thousands need memory: NODE_OPTIONS=--max-old-space-size=16000. */
import { checkEnd } from './check.ts';
import { createWorld } from './world.ts';

const COUNT = Number(process.env.TSFLANNEL_SIM_NODES ?? 40);

describe('a crowd simulated', () => {
  it(`${COUNT} nodes that start within a second: each has a subnet of its own, and every kernel is complete`, async () => {
    const world = await createWorld(1, COUNT);
    try {
      for (const node of world.nodes) world.clock.after(world.chance.between(0, 1_000), () => node.start());
      await world.clock.advance(60_000);
      await checkEnd(world);
    } finally {
      for (const node of world.nodes) node.crash();
      world.wallClock.end();
    }
  }).timeout(3_600_000);
});
