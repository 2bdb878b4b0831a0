import assert from 'node:assert/strict';
import { measureStarts, ratiosOf, type Start, startsAt } from '../../bench/cold/cold.ts';
import { startEtcd, type TestEtcd } from '../support/etcd.ts';
import { slowAfter, slowBefore } from '../support/hooks.ts';

const ROUNDS = 5;
const RUNS = 6;
/** Caches and disks differ: ratios of the machine that CI runs on are not quite those of docs/benchmarks.md. */
const MARGIN = 1.5;

describe('the start of a command', () => {
  let etcd: TestEtcd;
  slowBefore(240_000, async () => {
    etcd = await startEtcd();
  });
  slowAfter(240_000, () => etcd.close());

  // A busy machine makes a start dearer, never cheaper: one good round of several is the truth.
  it('costs what Node itself costs, and little more', () => {
    let left: readonly Start[] = startsAt(etcd.endpoint);
    const seen: string[] = [];
    for (let round = 0; round < ROUNDS && left.length > 0; round++) {
      const costs = measureStarts(left, RUNS);
      left = left.filter((start) => {
        const { time, cpu } = ratiosOf(costs, start);
        seen.push(`${start.name}: ${time.toFixed(2)} by time, ${cpu.toFixed(2)} by CPU time, at most ${start.limit}`);
        return Math.min(time, cpu) > start.limit * MARGIN;
      });
    }
    assert.deepEqual(left, [], seen.join('\n'));
  }).timeout(300_000);
});
