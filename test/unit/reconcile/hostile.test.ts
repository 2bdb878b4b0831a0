import assert from 'node:assert/strict';
import { printObject } from '../../../src/kernel/print.ts';
import { atOnce } from '../../../src/model/sliced.ts';
import { createWants } from '../../../src/reconcile/wants.ts';
import type { KeyValue } from '../../../src/store/kv.ts';
import { createView } from '../../../src/store/view.ts';
import { GROUND, hostileLeases, vxlanValue } from '../../corpus/hostile.ts';
import { configKv, kvOf, NET } from '../../support/kvs.ts';
import { sceneOf } from '../../support/scene.ts';
import { leaseOf } from '../../support/values.ts';

const VALID = [2, 3, 4].map((n) =>
  kvOf(`subnets/10.5.${n}.0-24`, vxlanValue(`10.200.0.${n}`, `02:00:00:00:00:0${n}`), 10 + n),
);

const HOSTILE = hostileLeases(GROUND);

const hostileKv = ([key, value]: readonly [string, string], i: number): KeyValue =>
  kvOf(`subnets/${key}`, value, 1_000 + i);

/** What the node wants for the peers that this store tells of. */
function wantedWith(kvs: readonly KeyValue[]): string[] {
  const view = createView(NET);
  view.reset([configKv(2), ...kvs]);
  const wants = createWants();
  atOnce(wants.rebuilding(sceneOf({ Backend: { Type: 'vxlan' } }), view.leases()));
  return atOnce(wants.all())
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
