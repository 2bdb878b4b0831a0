import assert from 'node:assert/strict';
import type { Fault } from '../../../../src/lab/chaos/chaos.ts';
import type { PairLoss } from '../../../../src/lab/chaos/flow.ts';
import { judge, type Observation } from '../../../../src/lab/chaos/judge.ts';

const BUDGET = { gapMs: 1_000, healMs: 1_000 };
const FAULT: Fault = { row: 16, name: 'x', about: '', budget: () => BUDGET, hits: [4], run: async () => undefined };

/** A pair that lost so many in one hole from the 1,000th millisecond on. */
const pair = (from: number, to: number, lost: number, gapMs = lost): PairLoss => ({
  ...{ from, to, sent: 5_000, received: 5_000 - lost, repeated: 0, strayed: 0, overtaken: 0 },
  holes: lost === 0 ? [] : [{ from: 1_000, to: 1_000 + gapMs, count: lost }],
  lostUntil: lost === 0 ? 0 : 1_000 + gapMs,
});

function judged(pairs: readonly PairLoss[], overflowed: readonly (readonly [number, number])[] = [], fault = FAULT) {
  const flow = { pairs, stream: { resets: 0, stallMs: 0 }, overflowed: new Map(overflowed), dropped: 0 };
  const rest = {
    isHealed: true,
    endedAt: 5_000,
    wellAt: 5_000,
    tookMs: 4_000,
    torn: 0,
    overlaps: 0,
    leaks: [],
    notes: [],
    findings: [],
  };
  const seen: Observation = { flow, ...rest };
  return judge(fault, fault.budget('vxlan'), seen, 1);
}

describe('what a fault cost', () => {
  it('packets lost between nodes that it is not about are a failure', () => {
    assert.deepEqual(judged([pair(4, 1, 300), pair(2, 1, 7)]).failures, [
      '7 packets lost between nodes it is not about: 7 from 2 to 1 at 0.00 to 0.01 s',
    ]);
  });

  it('an end that was too slow for them is none, whatever the fault took from it', () => {
    const pairs = [pair(4, 2, 800), pair(1, 2, 60), pair(3, 2, 40)];
    const { failures, lost } = judged(pairs, [[2, 100]]);
    assert.deepEqual({ failures, lost }, { failures: [], lost: 800 });
  });

  it('more than that end missed is one', () => {
    const { failures } = judged([pair(4, 2, 800), pair(1, 2, 60), pair(3, 2, 41)], [[2, 100]]);
    assert.equal(failures.length, 1);
    assert.match(failures[0] ?? '', /^101 packets .*: 60 from 1 to 2 .* s \(100 missed by it\), 41 from 3 to 2/);
  });

  it("all may lose packets as long as two containers of one bridge do, which is Docker's own loss", () => {
    const own = [pair(4, 104, 3_000), pair(104, 4, 2_900)];
    const docker = judged([...own, pair(1, 4, 3_900)]);
    assert.deepEqual([docker.failures, docker.budget.gapMs, docker.lost], [[], 4_000, 3_900]);
    assert.deepEqual(judged([...own, pair(1, 4, 4_100)]).failures, ['gap 4100 ms of 4000']);
  });
});
