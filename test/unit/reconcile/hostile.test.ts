import assert from 'node:assert/strict';
import { printObject } from '../../../src/kernel/print.ts';
import { atOnce } from '../../../src/model/sliced.ts';
import { createWants } from '../../../src/reconcile/wants.ts';
import type { KeyValue } from '../../../src/store/kv.ts';
import { createView } from '../../../src/store/view.ts';
import { configKv, kvOf, NET } from '../../support/kvs.ts';
import { sceneOf } from '../../support/scene.ts';
import { leaseOf } from '../../support/values.ts';

const vxlan = (ip: string, mac: string, more = '') =>
  `{"PublicIP":"${ip}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"${mac}"}${more}}`;

const VALID = [2, 3, 4].map((n) =>
  kvOf(`subnets/10.5.${n}.0-24`, vxlan(`10.200.0.${n}`, `02:00:00:00:00:0${n}`), 10 + n),
);

/** Row 19 of the fault matrix: what a store may hold. Each came after the valid ones. */
const HOSTILE: readonly (readonly [key: string, value: string])[] = [
  ...['', 'x', 'null', '[]', '"x"', '{}', '{"PublicIP"', '\u0000', `{"a":${'['.repeat(30_000)}`, 'NaN', '1e400'].map(
    (value, i) => [`10.5.${20 + i}.0-24`, value] as const,
  ),
  ['10.5.40.0-24', `${vxlan('10.200.0.40', '02:00:00:00:00:40').slice(0, -1)},"x":"${'y'.repeat(1_000_000)}"}`],
  ['10.5.41.0-24', '{"__proto__":{"PublicIP":"10.200.0.41"},"constructor":1}'],
  ...[
    '$(touch /tmp/x)',
    '; rm -rf /',
    '--flag',
    '١٠.٢٠٠.٠.١',
    '010.200.0.9',
    'fc00::1',
    '0.0.0.0',
    '127.0.0.1',
    '224.0.0.1',
    '169.254.1.1',
    '255.255.255.255',
    '10.5.2.1',
    '10.200.0.9/24',
    '10.200.0.9\\n10.200.0.8',
    '10.200.0.1',
  ].map((ip, i) => [`10.5.${50 + i}.0-24`, vxlan(ip, `02:00:00:00:01:${10 + i}`)] as const),
  ...['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '$(x)', '02:00:00:00:00:02', ''].map(
    (mac, i) => [`10.5.${80 + i}.0-24`, vxlan(`10.200.0.${80 + i}`, mac)] as const,
  ),
  ['10.5.90.0-24', vxlan('10.200.0.90', '02:00:00:00:00:90').replace('"VNI":1', '"VNI":16777216')],
  ['10.5.91.0-24', vxlan('10.200.0.91', '02:00:00:00:00:91').replace('"VNI":1', '"VNI":7')],
  ['10.5.92.0-24', '{"PublicIP":"10.200.0.92","BackendType":"$(x)"}'],
  ...[
    '0.0.0.0-0',
    '10.5.2.0-31',
    '10.5.2.0-32',
    '10.5.2.0-33',
    '10.5.2.1-24',
    '10.5.0.0-16',
    '10.5.0.0-17',
    '10.5.2.0-23',
    '10.5.2.128-25',
    '10.6.1.0-24',
    '127.0.0.0-8',
    '224.0.0.0-4',
    '../../config',
    '10.5.2.0-24/x',
    '10.5.2.0-24&fc00::-64',
    '10.5.2.0-024',
    'x',
  ].map((key) => [key, vxlan('10.200.0.99', '02:00:00:00:00:99')] as const),
];

const hostileKv = ([key, value]: readonly [string, string], i: number): KeyValue =>
  kvOf(`subnets/${key}`, value, 1_000 + i);

/** What the node wants for the peers that this store tells of. */
function wantedWith(kvs: readonly KeyValue[]): string[] {
  const view = createView(NET);
  view.reset([configKv(2), ...kvs]);
  const wants = createWants();
  atOnce(wants.rebuilding(sceneOf({ Backend: { Type: 'vxlan' } }), view.leases()));
  return wants
    .all()
    .map(({ object }) => printObject(object))
    .sort();
}

describe('hostile leases', () => {
  const clean = wantedWith(VALID);

  for (const [i, pair] of HOSTILE.entries())
    it(`${pair[0]} ${JSON.stringify(pair[1]).slice(0, 70)}: costs itself and nothing else`, () => {
      assert.deepEqual(wantedWith([...VALID, hostileKv(pair, i)]), clean);
    });

  it('all together, told first or last, at once or one by one', () => {
    const hostile = HOSTILE.map(hostileKv);
    assert.deepEqual(wantedWith([...hostile, ...VALID]), clean);
    const view = createView(NET);
    view.reset([configKv(2)]);
    for (const kv of [...hostile, ...VALID]) view.set(kv.key, kv);
    assert.deepEqual([...view.leases().keys()].filter((key) => VALID.some((kv) => kv.key === key)).length, 3);
    assert.equal(
      view.rejections().size + view.leases().size,
      new Set([...hostile, ...VALID].map(({ key }) => key)).size,
    );
  });

  it('are told apart quickly, and printed in one line', () => {
    const begun = performance.now();
    const view = createView(NET);
    view.reset([configKv(2), ...HOSTILE.map(hostileKv)]);
    assert.ok(performance.now() - begun < 50);
    for (const { where, detail } of view.rejections().values())
      assert.match(`${where} ${detail}`, /^[^\p{C}\p{Zl}\p{Zp}]{1,500}$/u);
  });

  it('a good lease beside them is still wanted', () => {
    const good = leaseOf('10.5.2.0/24', VALID[0]?.value ?? '');
    assert.ok(
      clean.some((text) => text.includes('route 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink')),
      good.etcd.key,
    );
  });
});
