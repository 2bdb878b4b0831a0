import assert from 'node:assert/strict';
import type { BenchReport, PathFigures } from '../../../src/model/figures.ts';
import { benchRows, benchText } from '../../../src/output/bench.ts';

const path = (name: string, factor: number): PathFigures => ({
  ...{ name, from: '10.1.2.0', to: '10.1.3.0', mtu: 1472 },
  tcp: [
    { streams: 1, bitsPerSecond: 8e9 / factor, retransmits: 3, cpuSecondsPerGb: 0.25 * factor },
    { streams: 4, bitsPerSecond: 640e6, retransmits: 0, cpuSecondsPerGb: 1 },
  ],
  udp: [{ size: 1400, rate: 50_000, sent: 50_000, sentRate: 40_000, received: 40_000, overflowed: 0, lost: 0.2 }],
  roundTrip: { count: 9, unanswered: 0, least: 10, median: 12.34 * factor, p99: 100 },
});

const report = (...paths: PathFigures[]): BenchReport => ({ backend: 'udp', paths, sameMachine: true });

describe('output/bench', () => {
  it('compares the first path with the last', () => {
    const rows = benchRows(report(path('overlay', 2), path('underlay', 1)));
    const ratioOf = (what: string) => rows.find((row) => row.what.trim() === what)?.ratio;
    assert.equal(ratioOf('TCP, 1 stream'), 0.5);
    assert.equal(ratioOf('CPU for 1 GB'), 2);
    assert.equal(ratioOf('round trip, median'), 2);
    assert.equal(ratioOf('TCP, 4 streams'), 1);
  });

  it('names units, and the rate where the sender did not reach it', () => {
    const text = benchText(report(path('overlay', 2), path('underlay', 1)));
    assert.match(text, /^ +UDP \(10\.1\.3\.0\) +UNDERLAY \(10\.1\.3\.0\) +RATIO\n/);
    assert.match(text, /^TCP, 1 stream +4\.00 Gbit\/s +8\.00 Gbit\/s +0\.500$/m);
    assert.match(text, /^TCP, 4 streams +640 Mbit\/s /m);
    assert.match(text, /^UDP, 1,400 B, 50,000\/s +20\.00 % lost of 40,000\/s /m);
    assert.match(text, /^round trip, median +24\.7 µs +12\.3 µs +2\.00$/m);
    assert.match(text, /both ends/);
  });

  it('shows one path without ratios, and leaves out what one of them has not', () => {
    const { roundTrip: _, ...without } = path('underlay', 1);
    assert.doesNotMatch(benchText(report(path('overlay', 1))), /RATIO|Ratio/);
    assert.doesNotMatch(benchText(report(path('overlay', 1), without)), /round trip/);
    assert.deepEqual(benchRows(report()), []);
  });
});
