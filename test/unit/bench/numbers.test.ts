import assert from 'node:assert/strict';
import { figuresTable, type Results, ratios, ratiosTable, spread } from '../../../bench/data/numbers.ts';
import type { PathFigures } from '../../../src/model/figures.ts';

const round = (gigabits: number, sentRate = 100_000): PathFigures => ({
  ...{ name: 'path', from: '10.5.1.2', to: '10.5.2.2', mtu: 1450 },
  tcp: [{ streams: 1, bitsPerSecond: gigabits * 1e9, retransmits: 0, cpuSecondsPerGb: 1 }],
  udp: [
    { size: 64, rate: 20_000, sent: 100, sentRate: 20_000, received: 90, overflowed: 0, lost: 0.1 },
    { size: 64, rate: 100_000, sent: 100, sentRate, received: 100, overflowed: 0, lost: 0 },
  ],
});

const results = (rounds: Record<string, readonly (PathFigures | undefined)[]>): Results =>
  new Map(Object.entries(rounds));

/** The cells of the line that begins with `name`. */
const line = (text: string, name: string): readonly string[] =>
  (text.split('\n').find((each) => each.startsWith(`| ${name} |`)) ?? '').split(' | ').slice(1);

describe('bench/data/numbers', () => {
  it('shows the median and the spread', () => {
    assert.equal(spread([3, 1, 2], 1), '2.0 (1.0 to 3.0)');
    assert.equal(spread([2, 2.01], 1), '2.0');
    assert.equal(spread([], 1), '–');
  });

  it('compares round by round, and leaves out a round that failed on either side', () => {
    const all = results({ a: [round(1), round(2), undefined, round(9)], b: [round(2), round(2), round(1), undefined] });
    assert.deepEqual(
      ratios(all, ['a', 'b'], ({ tcp }) => tcp[0]?.bitsPerSecond),
      [0.5, 1],
    );
    assert.equal(line(ratiosTable(all, 'b'), 'a')[0], '1.00 (0.50 to 1.00)');
  });

  it('shows a variant that always failed, and a rate the sender did not reach', () => {
    const text = figuresTable(results({ good: [round(1), round(3, 61_400), round(2, 60_000)], bad: [undefined] }));
    assert.equal(line(text, 'good')[0], '2.00 (1.00 to 3.00)');
    assert.equal(line(text, 'good')[3], '10.0');
    assert.equal(line(text, 'good')[4], '0.0 of 61,400/s');
    assert.match(text, /^\| bad \| – \| – /m);
  });
});
