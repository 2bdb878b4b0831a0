import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseSave, restoreText } from '../../../src/kernel/linux/filter-iptables.ts';
import { printFilterRule } from '../../../src/kernel/print.ts';
import { type FilterChain, type FilterRule, OWN } from '../../../src/kernel/state.ts';
import { prefixOf } from '../../../src/model/address.ts';

const prefix = fc
  .tuple(fc.nat(0xffffffff), fc.integer({ min: 1, max: 32 }))
  .map(([value, length]) => prefixOf({ family: 4, value: BigInt(value) }, length));
const side = fc.record({ prefix, not: fc.boolean() }, { noNullPrototype: true });
const mark = fc.record({ value: fc.nat(0xffffffff), mask: fc.nat(0xffffffff) }, { noNullPrototype: true });
const rule: fc.Arbitrary<FilterRule> = fc.oneof(
  fc.record(
    { source: side, destination: side, mark, target: fc.constantFrom('ACCEPT' as const, 'RETURN' as const) },
    { requiredKeys: ['target'], noNullPrototype: true },
  ),
  fc.record(
    {
      source: side,
      destination: side,
      mark,
      target: fc.constant('MASQUERADE' as const),
      randomFully: fc.constant(true),
    },
    { requiredKeys: ['target'], noNullPrototype: true },
  ),
);
const chain: fc.Arbitrary<FilterChain> = fc.record(
  {
    kind: fc.constant('chain' as const),
    table: fc.constantFrom('filter' as const, 'nat' as const),
    name: fc.constantFrom('A', 'B-2').map((name) => `${OWN.chainPrefix}${name}`),
    rules: fc.array(rule, { maxLength: 5 }),
  },
  { noNullPrototype: true },
);

/** Turns our restore input into what iptables-save would print: no flushes. */
const asSaved = (text: string): string => text.replace(/^-F .*\n/gm, '');

describe('kernel/linux filters', () => {
  it('reads back every chain it can write', () => {
    fc.assert(
      fc.property(chain, (wanted) => {
        const text = asSaved(restoreText([{ action: 'create', object: wanted, because: 'the test' }]));
        assert.deepEqual(parseSave(text).objects, [wanted]);
      }),
    );
  });

  it('calls unknown whatever is not of our language, and never throws', () => {
    const word = fc.constantFrom(
      '-s',
      '-d',
      '!',
      '-m',
      'mark',
      '--mark',
      '0x1/0x2',
      '0xzz',
      '10.0.0.0/8',
      '-j',
      'ACCEPT',
      'LOG',
      '"a b',
      '-p',
      'tcp',
      '--random-fully',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        const line = words.join(' ');
        const { objects } = parseSave(`*filter\n:TSFLANNEL-X - [0:0]\n-A TSFLANNEL-X ${line}\nCOMMIT\n`);
        const [found] = objects;
        assert.ok(found?.kind === 'chain' && found.rules.length === 1);
        const [read] = found.rules;
        // What is read as known prints as known words only: nothing of a stranger's rule is lost silently.
        if (read && !('unknown' in read)) assert.deepEqual(sorted(printFilterRule(read)), sorted(line));
      }),
      { numRuns: 2000 },
    );
  });

  it('knows our jump by comment and target only', () => {
    const text = (rest: string) => parseSave(`*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD ${rest}\nCOMMIT\n`).objects;
    assert.equal(text('-m comment --comment tsflannel -j TSFLANNEL-FWD').length, 1);
    assert.equal(text('-m comment --comment "tsflannel" -j TSFLANNEL-FWD').length, 1);
    for (const other of [
      '-j TSFLANNEL-FWD',
      '-m comment --comment tsflannel -j ACCEPT',
      '-m comment --comment "not tsflannel" -j TSFLANNEL-FWD',
      '-s 10.0.0.0/8 -m comment --comment tsflannel -j TSFLANNEL-FWD',
    ]) {
      assert.deepEqual(text(other), []);
    }
  });
});

const sorted = (text: string): string[] => text.split(' ').sort();
