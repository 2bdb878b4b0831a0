import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createView } from '../../../src/store/view.ts';
import { HOSTILE_TEXTS } from '../../corpus/hostile.ts';
import { configKv, kvOf, leaseKv, NET } from '../../support/kvs.ts';

const VALID = [2, 3, 4].map((n) => leaseKv(`10.5.${n}.0/24`, 10 + n, 10 + n, `192.168.1.${n}`));

const anyText = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'binary', maxLength: 60 }), fc.json());
const anyKey = fc.oneof(
  anyText,
  fc.tuple(fc.nat(255), fc.integer({ min: -1, max: 40 })).map(([third, length]) => `10.5.${third}.0-${length}`),
);
const entries = fc.array(fc.tuple(anyKey, anyText), { maxLength: 20 });

describe('a view of hostile entries', () => {
  it('believes the valid leases all the same, and names the others with a code, in printable text', () => {
    fc.assert(
      fc.property(entries, (hostile) => {
        const view = createView(NET);
        view.reset([configKv(1), ...VALID]);
        const before = new Map(view.leases());
        const taken = new Set(VALID.map(({ key }) => key));
        const strange = hostile
          .map(([key, value], i) => kvOf(`subnets/${key}`, value, 100 + i))
          .filter(({ key }) => !taken.has(key));
        for (const kv of strange) view.set(kv.key, kv);
        for (const [key, lease] of before) assert.equal(view.leases().get(key), lease);
        for (const { key } of strange)
          assert.ok(view.leases().has(key) !== view.rejections().has(key), JSON.stringify(key));
        for (const { code, where, detail } of view.rejections().values()) {
          assert.match(code, /^[A-Z0-9_]+$/);
          assert.doesNotMatch(where + detail, /[\p{C}\p{Zl}\p{Zp}]/u);
          assert.ok(where.length <= 200 && detail.length <= 200);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('parses nothing that is larger or has more in it than a lease can have', () => {
    const parse = JSON.parse;
    let parsed = 0;
    const view = createView(NET);
    view.reset([configKv(1)]);
    JSON.parse = (text: string, ...more: []) => {
      parsed = Math.max(parsed, text.length);
      return parse(text, ...more);
    };
    try {
      for (const [i, value] of HOSTILE_TEXTS.entries())
        view.set(`${NET}/subnets/10.5.${i}.0-24`, kvOf(`subnets/10.5.${i}.0-24`, value, 50));
      const many = `{${Array.from({ length: 300 }, (_, i) => `"k${i}":1`).join(',')}}`;
      view.set(`${NET}/subnets/10.5.77.0-24`, kvOf('subnets/10.5.77.0-24', many, 60));
    } finally {
      JSON.parse = parse;
    }
    assert.equal(view.leases().size, 1);
    assert.equal(view.rejections().get(`${NET}/subnets/10.5.77.0-24`)?.code, 'TOO_LARGE');
    assert.ok(parsed < 1_000, `${parsed} characters were parsed`);
  });
});
