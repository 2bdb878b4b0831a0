import assert from 'node:assert/strict';
import { busySeconds } from '../../../src/probe/cpu.ts';
import { quantile, summarize } from '../../../src/probe/statistics.ts';

describe('probe/statistics', () => {
  it('finds quantiles of sorted values', () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    assert.equal(quantile(values, 0), 1);
    assert.equal(quantile(values, 0.5), 51);
    assert.equal(quantile(values, 0.99), 100);
    assert.equal(quantile(values, 1), 100);
    assert.ok(Number.isNaN(quantile([], 0.5)));
  });

  it('sorts as numbers, not as text', () => {
    assert.deepEqual(summarize(Float64Array.of(10, 9, 100, 1, 2)), { count: 5, least: 1, median: 9, p99: 100 });
  });
});

describe('probe/cpu', () => {
  it('counts user, nice, system, irq and softirq of the whole machine, and nothing else', () => {
    const stat = 'cpu  1000 200 30 999999 888888 4000 50000 777777 666 555\ncpu0 1 1 1 1 1 1 1 1 1 1\n';
    assert.equal(busySeconds(stat), (1000 + 200 + 30 + 4000 + 50000) / 100);
  });
});
