import assert from 'node:assert/strict';
import { createLoop, type Dirty } from '../../../src/reconcile/loop.ts';
import { createTestClock, settle } from '../../support/clock.ts';

/** A loop whose passes are noted as `time what`. */
function rig(takesMs = 0) {
  const clock = createTestClock();
  const passes: string[] = [];
  const pass = async ({ all, kinds, peers }: Dirty) => {
    passes.push(`${clock.now()} ${all ? 'all' : [...kinds, ...peers].join('+')}`);
    if (takesMs > 0) await new Promise<void>((resolve) => void clock.after(takesMs, resolve));
  };
  const loop = createLoop({ clock, random: () => 0.5, pass });
  return { clock, loop, passes };
}

describe('loop', () => {
  it('waits to be opened, then does all that was marked in one pass', async () => {
    const { clock, loop, passes } = rig();
    loop.mark({ peers: ['a'] });
    loop.mark({ kinds: ['route'], peers: ['b'] });
    await clock.advance(1_000);
    assert.deepEqual(passes, []);
    loop.open();
    await settle();
    assert.deepEqual(passes, ['1000 route+a+b']);
  });

  it('takes the first change at once, and those after it at most every 50 ms', async () => {
    const { clock, loop, passes } = rig();
    loop.open();
    await clock.advance(100);
    for (let ms = 0; ms < 200; ms += 10) {
      loop.mark({ peers: [`p${ms}`] });
      await clock.advance(10);
    }
    assert.deepEqual(
      passes.map((line) => Number(line.split(' ')[0])),
      [100, 150, 200, 250, 300],
    );
  });

  it('does not run on without a pause when changes come during a pass', async () => {
    const { clock, loop, passes } = rig(30);
    loop.open();
    loop.mark({ all: true });
    await settle();
    loop.mark({ peers: ['a'] });
    await clock.advance(79);
    assert.deepEqual(passes, ['0 all']);
    await clock.advance(1);
    assert.deepEqual(passes, ['0 all', '80 a']);
  });

  it('looks at everything every 30 s', async () => {
    const { clock, loop, passes } = rig();
    loop.open();
    await clock.advance(95_000);
    assert.deepEqual(passes, ['30000 all', '60000 all', '90000 all']);
  });

  it('tries again after 0.2 s, doubling to 30 s, however many fail meanwhile', async () => {
    const clock = createTestClock();
    const at: number[] = [];
    const loop = createLoop({
      clock,
      random: () => 0.99,
      pass: async () => {
        at.push(clock.now());
        loop.retry();
        loop.retry();
      },
    });
    loop.open();
    loop.mark({ all: true });
    await clock.advance(13_000);
    assert.deepEqual(at, [0, 200, 600, 1_400, 3_000, 6_200, 12_600]);
    loop.succeeded();
    assert.equal(clock.pending(), 1);
    loop.mark({ all: true });
    await clock.advance(300);
    assert.deepEqual(at.slice(7), [13_000, 13_200]);
    await loop.close();
  });

  it('rings once for several later looks, at the earliest of them', async () => {
    const { clock, loop, passes } = rig();
    loop.open();
    for (const ms of [900, 300, 500]) loop.later(ms);
    await clock.advance(2_000);
    assert.deepEqual(passes, ['300 all']);
  });

  it('is settled when nothing runs and nothing is due', async () => {
    const { clock, loop, passes } = rig(30);
    loop.open();
    await loop.settled();
    loop.mark({ all: true });
    let settled = false;
    const done = loop.settled().then(() => {
      settled = true;
    });
    await settle();
    loop.mark({ peers: ['a'] });
    await clock.advance(100);
    assert.equal(settled, false);
    await clock.advance(20);
    await done;
    assert.deepEqual(passes, ['0 all', '80 a']);
  });

  it('ends after the pass that runs, leaves no timer, and frees who waits', async () => {
    const { clock, loop, passes } = rig(30);
    loop.open();
    loop.mark({ all: true });
    await settle();
    loop.mark({ peers: ['a'] });
    const waiting = loop.settled();
    const closing = loop.close();
    await clock.advance(30);
    await Promise.all([closing, waiting]);
    loop.mark({ all: true });
    loop.later(1);
    loop.retry();
    await clock.advance(60_000);
    assert.deepEqual(passes, ['0 all']);
    assert.equal(clock.pending(), 0);
  });
});
