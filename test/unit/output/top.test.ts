import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { bitRate, flowsBetween, type LiveState, rate } from '../../../src/model/live.ts';
import type { RouteRow } from '../../../src/model/report.ts';
import { press } from '../../../src/output/live.ts';
import { type TopView, topLines } from '../../../src/output/top.ts';

const VIEW: TopView = { sort: 'subnet', paused: false, help: false, from: 0 };
const counted = (packets: number, bytes: number) => ({ packets, bytes });

const peer = (number: number, bytes: number): RouteRow => ({
  ...{ key: `k${number}`, subnet: `172.17.${number}.0/24`, node: `n${number}`, publicIp: `198.18.0.${number}` },
  ...{ backend: 'udp', state: 'ok', device: 'flannel0', left: 86_000 },
  liveness: { verdict: 'answers', asked: 10, lost: number - 1, rttMicros: 100 * number },
  traffic: { sent: counted(bytes / 100, bytes), received: counted(0, 0), refused: 0 },
});

const state = (at: number, rows: readonly RouteRow[], events = 3): LiveState => ({
  at,
  status: { state: 'ok', checks: [] },
  rows,
  usage: { leased: rows.length, count: 255 },
  events: Array.from({ length: events }, (_, i) => ({
    at: `2026-01-01T00:00:${String(i).padStart(2, '0')}.000Z`,
    event: `event-${i}`,
    detail: 'happened',
  })),
});

const lines = (view: Partial<TopView>, size = { columns: 120, rows: 24 }): string[] => {
  const before = state(1_000, [peer(1, 0), peer(2, 0), peer(3, 0)]);
  const now = state(3_000, [peer(1, 1_000), peer(2, 3_000_000), peer(3, 0)]);
  return topLines([before, now], { ...VIEW, ...view }, size).map((line) => stripVTControlCharacters(line));
};

const nodesOf = (shown: readonly string[]): string[] => shown.flatMap((line) => line.match(/^(n\d+) /)?.[1] ?? []);

describe('rates', () => {
  it('are by the second, and unknown when a counter began anew', () => {
    assert.deepEqual(rate(counted(10, 1_000), counted(30, 3_000), 2_000), { packets: 10, bits: 8_000 });
    assert.equal(rate(counted(10, 1_000), counted(5, 500), 1_000), undefined);
    assert.equal(rate(undefined, counted(5, 500), 1_000), undefined);
    assert.deepEqual(flowsBetween(undefined, state(1, [peer(1, 5)])).peers.get('k1'), {});
  });

  it('are written with a unit that leaves few figures', () => {
    assert.deepEqual([0, 999, 1_000, 12_345, 9_876_543_210].map(bitRate), [
      ...['0 bit/s', '999 bit/s', '1.0 kbit/s', '12 kbit/s', '9.9 Gbit/s'],
    ]);
  });
});

describe('top', () => {
  it('shows each node with its traffic', () => {
    assert.match(lines({}).join('\n'), /n2 +172\.17\.2\.0\/24 .* 12 Mbit\/s, 15000\/s +0 +23h53m/);
  });

  it('sorts', () => {
    assert.deepEqual(nodesOf(lines({ sort: 'traffic' })), ['n2', 'n1', 'n3']);
    assert.deepEqual(nodesOf(lines({ sort: 'rtt' })), ['n3', 'n2', 'n1']);
    assert.deepEqual(nodesOf(lines({ sort: 'loss' })), ['n3', 'n2', 'n1']);
  });

  it('fits any terminal', () => {
    for (const size of [
      { columns: 200, rows: 50 },
      { columns: 40, rows: 12 },
      { columns: 10, rows: 6 },
    ]) {
      const shown = lines({}, size);
      assert.equal(shown.length, size.rows);
      for (const line of shown) assert.ok(line.length <= size.columns, line);
    }
  });

  it('shows the last events where there is room', () => {
    assert.match(lines({}).join('\n'), /EVENTS\n00:00:00 {2}event-0 {2}happened/);
  });

  it('follows the keys', () => {
    assert.equal(press('q', VIEW, 3), undefined);
    assert.equal(press('ctrl-c', VIEW, 3), undefined);
    assert.equal(press('s', VIEW, 3)?.sort, 'node');
    assert.equal(press('p', VIEW, 3)?.paused, true);
    assert.equal(press('up', VIEW, 3)?.from, 0);
    assert.equal(press('down', { ...VIEW, from: 2 }, 3)?.from, 2);
    assert.equal(press('?', VIEW, 3), VIEW);
    assert.match(lines({ help: true }).join('\n'), /scroll nodes/);
  });
});
