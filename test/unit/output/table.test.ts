import assert from 'node:assert/strict';
import { duration, parseDuration } from '../../../src/model/duration.ts';
import { stringify } from '../../../src/model/json.ts';
import type { RouteRow, StatusReport } from '../../../src/model/report.ts';
import { leasesText, routesText } from '../../../src/output/routes.ts';
import { statusText } from '../../../src/output/status.ts';
import { table } from '../../../src/output/table.ts';

describe('tables', () => {
  it('have columns as wide as their widest cell, two spaces apart, and nothing at the end of a line', () => {
    const text = table(['a', 'long head', ''], [['wide cell', 'x', ''], ['y', 'z', 'last'], ['short row']]);
    assert.equal(text, ['A          LONG HEAD', 'wide cell  x', 'y          z          last', 'short row'].join('\n'));
  });

  it('count what is seen of a coloured cell', () => {
    const text = table(
      ['state', 'b'],
      [
        ['\x1b[32mok\x1b[39m', 'x'],
        ['degraded', 'y'],
      ],
    );
    assert.equal(text, 'STATE     B\n\x1b[32mok\x1b[39m        x\ndegraded  y');
  });
});

describe('times', () => {
  const said: [number, string][] = [
    [-5, '0s'],
    [0, '0s'],
    [59.9, '59s'],
    [60, '1m'],
    [3_599, '59m'],
    [3_600, '1h'],
    [86_340, '23h59m'],
    [86_400, '24h'],
    [172_799, '47h59m'],
    [172_800, '2d'],
    [8_640_000, '100d'],
  ];
  for (const [seconds, text] of said) it(`${seconds}: ${text}`, () => assert.equal(duration(seconds), text));

  it('are read as they are written', () => {
    assert.deepEqual(['90', '90s', '45m', '24h', '7d'].map(parseDuration), [90, 90, 2_700, 86_400, 604_800]);
    for (const text of ['', 's', '-1', '1.5h', '1w', '24h59m', '9999999999'])
      assert.equal(parseDuration(text), undefined, text);
  });
});

describe('results as JSON', () => {
  it('have whole ids and revisions, as text', () => {
    assert.deepEqual(JSON.parse(stringify({ id: 2n ** 64n - 1n, list: [1n], n: 1 })), {
      id: '18446744073709551615',
      list: ['1'],
      n: 1,
    });
  });
});

describe('routes, leases and status as text', () => {
  const base = { key: 'k', node: 'n2', publicIp: '10.200.0.2', backend: 'vxlan' };
  const rows: RouteRow[] = [
    { ...base, subnet: '10.5.1.0/24', node: 'n1', state: 'this node', leaseId: '7', left: 3_600, age: 82_800 },
    { ...base, subnet: '10.5.2.0/24', state: 'ok', device: 'flannel.1', nextHop: '10.200.0.2', leaseId: '0' },
    {
      ...base,
      subnet: '10.5.3.0/24',
      state: 'missing',
      device: 'flannel.1',
      detail: 'create route/10.5.3.0/24/0',
      leaseId: '8',
    },
  ];

  it('show how each subnet is reached', () => {
    assert.equal(
      routesText(rows),
      [
        'SUBNET       NODE  PUBLIC IP   BACKEND  DEVICE     NEXT HOP    STATE      LEFT',
        '10.5.1.0/24  n1    10.200.0.2  vxlan    -          -           this node  1h',
        '10.5.2.0/24  n2    10.200.0.2  vxlan    flannel.1  10.200.0.2  ok         reserved',
        '10.5.3.0/24  n2    10.200.0.2  vxlan    flannel.1  -           missing    -         create route/10.5.3.0/24/0',
      ].join('\n'),
    );
    assert.equal(routesText([]), 'No leases.');
  });

  it('show who leases what', () => {
    const text = leasesText(rows, { leased: 3, count: 255 });
    assert.match(text, /^SUBNET +NODE +PUBLIC IP +BACKEND +RENEWED +LEFT +STATE$/m);
    assert.match(text, /^10\.5\.1\.0\/24 +n1 +10\.200\.0\.2 +vxlan +23h +1h +this node$/m);
  });

  it('say the verdict first', () => {
    const report: StatusReport = { state: 'degraded', checks: [{ name: 'etcd', state: 'degraded', detail: 'away' }] };
    assert.match(
      statusText(report),
      /^degraded: .*\n\nCHECK +STATE +DETAIL\netcd +degraded +away\n\ntsflannel doctor /,
    );
  });
});
