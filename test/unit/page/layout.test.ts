import assert from 'node:assert/strict';
import type { RouteRow } from '../../../src/model/report.ts';
import { addressMap, healthOf, linkWidth, MAX_DRAWN, placeNodes, stateText } from '../../../src/page/layout.ts';

const row = (number: number, change: Partial<RouteRow> = {}): RouteRow => ({
  ...{ key: `k${number}`, subnet: `172.17.${number}.0/24`, node: `n${number}`, publicIp: `198.18.0.${number}` },
  ...{ backend: 'vxlan', state: 'ok', leaseId: '7' },
  ...change,
});
const liveness = (verdict: NonNullable<RouteRow['liveness']>['verdict']) => ({
  liveness: { verdict, asked: 5, lost: 1 },
});

describe('the page’s layout', () => {
  it('puts this node in the middle and the others around it, nobody on another', () => {
    const points = placeNodes([
      row(1),
      row(2, { state: 'this node' }),
      row(3),
      row(4, { state: 'foreign', leaseId: undefined as never }),
    ]);
    assert.deepEqual([points[0]?.row.node, points[0]?.x, points[0]?.y], ['n2', 0, 0]);
    const many = placeNodes(Array.from({ length: 250 }, (_, i) => row(i)));
    assert.equal(many.length, MAX_DRAWN);
    assert.equal(new Set(many.map(({ x, y }) => `${x.toFixed(3)} ${y.toFixed(3)}`)).size, MAX_DRAWN);
    for (const { x, y } of many) assert.ok(Math.hypot(x, y) <= 81);
  });

  it('shows what does not answer as bad, and says it in words', () => {
    const cases: readonly (readonly [Partial<RouteRow>, string, string])[] = [
      [{}, 'ok', 'ok'],
      [liveness('answers'), 'ok', 'answers'],
      [liveness('unknown'), 'ok', 'ok'],
      [liveness('loses'), 'warn', 'loses'],
      [liveness('silent'), 'bad', 'silent'],
      [liveness('one-way'), 'bad', 'one-way'],
      [{ state: 'missing' }, 'bad', 'missing'],
      [{ state: 'foreign' }, 'warn', 'foreign'],
      [{ state: 'this node' }, 'ok', 'this node'],
    ];
    for (const [change, health, text] of cases) {
      assert.deepEqual([healthOf(row(1, change)), stateText(row(1, change))], [health, text]);
    }
  });

  it('draws more traffic wider', () => {
    const width = (bits: number) => linkWidth({ sent: { packets: 1, bits } });
    assert.ok(linkWidth({}) < width(1e3) && width(1e3) < width(1e6) && width(1e6) < width(1e9));
  });

  it('maps the network, each subnet a square', () => {
    const cells = addressMap('172.17.0.0/16', '172.17.2.0/24', [row(2, { state: 'this node' }), row(255)]);
    assert.equal(cells.length, 256);
    assert.deepEqual([cells[2]?.name, cells[2]?.rows[0]?.node], ['172.17.2.0/24', 'n2']);
    assert.equal(cells[255]?.rows[0]?.node, 'n255');
    assert.equal(cells.filter(({ rows }) => rows.length > 0).length, 2);
  });

  it('takes several subnets to a square where there are too many', () => {
    const cells = addressMap('10.0.0.0/8', '10.1.2.0/24', [row(1, { subnet: '10.255.255.0/24' })]);
    assert.equal(cells.length, 1024);
    assert.equal(cells[1023]?.name, '10.255.192.0 to 10.255.255.255');
    assert.equal(cells[1023]?.rows.length, 1);
  });

  it('makes no map of what is no network', () => {
    assert.deepEqual(addressMap('fd00::/64', 'x', []), []);
    assert.deepEqual(addressMap('10.0.0.0/24', '10.0.0.0/16', []), []);
  });
});
