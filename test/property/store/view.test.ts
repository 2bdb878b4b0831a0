import assert from 'node:assert/strict';
import fc from 'fast-check';
import { overlaps } from '../../../src/model/address.ts';
import { type Lease, parseLease } from '../../../src/model/lease.ts';
import type { KeyValue } from '../../../src/store/kv.ts';
import { createView, type View } from '../../../src/store/view.ts';
import { configKv, leaseKv, NET } from '../../support/kvs.ts';

/** A corner of the network in which subnets of several lengths run into each other. */
const subnet = fc
  .tuple(fc.integer({ min: 22, max: 25 }), fc.integer({ min: 0, max: 7 }))
  .map(([length, cell]) => `10.5.${(cell >> Math.max(0, 24 - length)) << Math.max(0, 24 - length)}.0/${length}`);

const step = fc.record({
  subnet,
  kind: fc.constantFrom('put' as const, 'put' as const, 'delete' as const, 'bad' as const),
});

/** What etcd would tell of these steps, one revision each, and what it holds in the end. */
function history(steps: readonly { subnet: string; kind: 'put' | 'delete' | 'bad' }[]) {
  const now = new Map<string, KeyValue>();
  const told = steps.map(({ subnet: text, kind }, i) => {
    const revision = i + 3;
    const { key } = leaseKv(text, revision);
    const created = Number(now.get(key)?.createRevision ?? revision);
    const kv = leaseKv(text, revision, created, kind === 'bad' ? '10.5.0.1' : '192.168.1.1');
    if (kind === 'delete') now.delete(key);
    else now.set(key, kv);
    return { key, kv: kind === 'delete' ? undefined : kv };
  });
  return { told, now: [...now.values()] };
}

const shown = (view: View) => ({
  leases: [...view.leases()].map(([key, lease]) => [key, lease.etcd.modified]).sort(),
  rejections: [...view.rejections()].map(([key, { code }]) => [key, code]).sort(),
});

function folded(kvs: readonly KeyValue[]): View {
  const view = createView(NET);
  view.reset([configKv(2), ...kvs]);
  return view;
}

/** The rule in its plainest form: by age, each that overlaps none of those believed before it. */
function oracle(kvs: readonly KeyValue[]): string[] {
  const leases = kvs.flatMap(({ key, value, createRevision, modRevision }): Lease[] => {
    const etcd = { key, leaseId: '1', created: String(createRevision), modified: String(modRevision) };
    const parsed = parseLease(value, etcd);
    return parsed.ok && !value.includes('"10.5.') ? [parsed.value] : [];
  });
  leases.sort((a, b) => Number(a.etcd.created) - Number(b.etcd.created));
  const kept: Lease[] = [];
  for (const lease of leases) if (!kept.some((other) => overlaps(other.subnet, lease.subnet))) kept.push(lease);
  return kept.map(({ etcd }) => etcd.key).sort();
}

describe('view, for all histories', () => {
  it('folds a history to what a fresh list folds to', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { told, now } = history(steps);
        const view = folded([]);
        for (const { key, kv } of told) view.set(key, kv);
        assert.deepEqual(shown(view), shown(folded(now)));
        assert.deepEqual([...view.leases().keys()].sort(), oracle(now));
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not care in which order different keys are told', () => {
    const shuffled = fc
      .array(step, { maxLength: 25 })
      .chain((steps) =>
        fc.tuple(fc.constant(steps), fc.shuffledSubarray(history(steps).now, { minLength: history(steps).now.length })),
      );
    fc.assert(
      fc.property(shuffled, ([steps, order]) => {
        const view = folded([]);
        for (const kv of order) view.set(kv.key, kv);
        assert.deepEqual(shown(view), shown(folded(history(steps).now)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('names exactly what differs after each change', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const view = folded([]);
        for (const { key, kv } of history(steps).told) {
          const before = new Map(view.leases());
          const changed = view.set(key, kv).leases;
          const after = view.leases();
          const expected = [...new Set([...before.keys(), ...after.keys()])].filter(
            (k) => before.get(k) !== after.get(k),
          );
          assert.deepEqual([...changed].sort(), expected.sort());
          assert.equal(new Set(changed).size, changed.length);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('gets from any state to any other by a fresh list, naming what differs', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.array(step, { maxLength: 20 }), (first, second) => {
        const view = folded(history(first).now);
        const before = shown(view).leases.map(String);
        const changed = new Set(view.reset([configKv(2), ...history(second).now]).leases);
        assert.deepEqual(shown(view), shown(folded(history(second).now)));
        const after = shown(view).leases.map(String);
        for (const entry of [...before.filter((e) => !after.includes(e)), ...after.filter((e) => !before.includes(e))])
          assert.ok(changed.has(entry.split(',')[0] ?? ''), entry);
      }),
      { numRuns: 2_000 },
    );
  });
});
