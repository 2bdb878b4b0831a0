import assert from 'node:assert/strict';
import fc from 'fast-check';
import { diff, type Want } from '../../../src/kernel/diff.ts';
import { needs } from '../../../src/kernel/runs.ts';
import { type KernelState, type Kind, keyOf, type Observed, type Plan } from '../../../src/kernel/state.ts';
import { anyObject } from '../../support/any-object.ts';

const wants: fc.Arbitrary<Want[]> = fc
  .uniqueArray(anyObject, { selector: keyOf, maxLength: 12 })
  .map((objects) => objects.map((one) => ({ object: one, because: 'the test' })));

const WRITTEN = new Set<Kind>(['sysctl', 'file']);
const state: fc.Arbitrary<KernelState> = fc
  .uniqueArray(fc.tuple(anyObject, fc.boolean()), { selector: ([one]) => keyOf(one), maxLength: 12 })
  .map(
    (pairs) =>
      new Map(
        pairs.map(([one, ours]): [string, Observed] => [
          keyOf(one),
          { object: one, ours: ours && !WRITTEN.has(one.kind), owner: ours ? 'tsflannel' : 'another' },
        ]),
      ),
  );

/** The plan as an ideal kernel would carry it out. */
function applied(before: KernelState, plan: Plan): Map<string, Observed> {
  const after = new Map(before);
  for (const { action, object: one } of plan) {
    if (action === 'remove') after.delete(keyOf(one));
    else if (action !== 'blocked')
      after.set(keyOf(one), { object: one, ours: !WRITTEN.has(one.kind), owner: 'tsflannel' });
  }
  return after;
}

const RANK: readonly Kind[] = [
  'sysctl',
  'link',
  'address',
  'carrier',
  'neighbour',
  'fdb',
  'forward',
  'chain',
  'jump',
  'route',
  'file',
];
const rank = ({ object: one }: Plan[number]): number => RANK.indexOf(one.kind);
const text = (plan: Plan): string[] => plan.map(({ action, object: one }) => `${action} ${keyOf(one)}`).sort();

describe('diff: properties', () => {
  it('once applied, nothing but what is blocked is left to do', () => {
    fc.assert(
      fc.property(wants, state, (wanted, seen) => {
        const plan = diff(wanted, seen);
        const next = diff(wanted, applied(seen, plan));
        assert.deepEqual(text(next), text(plan.filter(({ action }) => action === 'blocked')));
      }),
    );
  });

  it('what is another’s is neither removed nor replaced, and nothing is put on it', () => {
    fc.assert(
      fc.property(wants, state, (wanted, seen) => {
        const plan = diff(wanted, seen);
        const blocked = new Set(plan.flatMap((step) => (step.action === 'blocked' ? [keyOf(step.object)] : [])));
        for (const { action, object: one } of plan) {
          const there = seen.get(keyOf(one));
          if (there && !there.ours && !WRITTEN.has(one.kind)) assert.equal(action, 'blocked');
          if (action === 'create' || action === 'replace') assert.ok(!needs(one).some((key) => blocked.has(key)));
          if (action === 'remove') assert.ok(there?.ours);
        }
      }),
    );
  });

  it('all that is ours and wanted no more goes, but files and settings; nothing outside the scope', () => {
    fc.assert(
      fc.property(wants, state, fc.func(fc.boolean()), (wanted, seen, scope) => {
        const keys = new Set(wanted.map(({ object: one }) => keyOf(one)));
        const gone = diff(wanted, seen, scope).flatMap(({ action, object: one }) =>
          action === 'remove' ? [keyOf(one)] : [],
        );
        const expected = [...seen].flatMap(([key, { ours }]) => (ours && !keys.has(key) && scope(key) ? [key] : []));
        assert.deepEqual(gone.sort(), expected.sort());
      }),
    );
  });

  it('makes before it breaks, from the ground up, and breaks from the top down', () => {
    fc.assert(
      fc.property(wants, state, (wanted, seen) => {
        const plan = diff(wanted, seen);
        const firstRemoval = plan.findIndex(({ action }) => action === 'remove');
        const makes = firstRemoval < 0 ? plan : plan.slice(0, firstRemoval);
        const breaks = firstRemoval < 0 ? [] : plan.slice(firstRemoval);
        assert.ok(breaks.every(({ action }) => action === 'remove'));
        assert.deepEqual(
          makes.map(rank),
          makes.map(rank).sort((a, b) => a - b),
        );
        assert.deepEqual(
          breaks.map(rank),
          breaks.map(rank).sort((a, b) => b - a),
        );
      }),
    );
  });

  it('does not depend on the order in which things are wanted', () => {
    fc.assert(
      fc.property(wants, state, fc.infiniteStream(fc.nat()), (wanted, seen, numbers) => {
        const keyed = wanted.map((want) => ({ want, at: numbers.next().value as number }));
        const shuffled = keyed.sort((a, b) => a.at - b.at).map(({ want }) => want);
        assert.deepEqual(text(diff(shuffled, seen)), text(diff(wanted, seen)));
      }),
    );
  });
});
