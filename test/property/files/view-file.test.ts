import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseView, printView, type SavedView } from '../../../src/files/view-file.ts';

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const kv = fc.record(
  {
    key: fc.string({ unit: 'binary' }).map((text) => `/net/${text}`),
    value: fc.string({ unit: 'binary' }),
    ...{ createRevision: u64, modRevision: u64, version: u64, lease: u64 },
  },
  { noNullPrototype: true },
);
const view: fc.Arbitrary<SavedView> = fc.record(
  {
    nodeId: fc.constant('ab'.repeat(16)),
    prefix: fc.constant('/net'),
    ...{ clusterId: u64, revision: u64, kvs: fc.array(kv) },
    savedAt: fc.constant('2026-03-01T10:00:00.000Z'),
  },
  { noNullPrototype: true },
);

describe('properties of the view on disk', () => {
  it('any view is read back as it was', () => {
    fc.assert(
      fc.property(view, (saved) => assert.deepEqual(parseView(printView(saved), 'x'), { ok: true, value: saved })),
    );
  });

  it('no other byte changes what it says', () => {
    fc.assert(
      fc.property(view, fc.nat(), fc.integer({ min: 33, max: 126 }), (saved, at, code) => {
        const text = printView(saved).trimEnd();
        const i = at % text.length;
        const damaged = text.slice(0, i) + String.fromCharCode(code) + text.slice(i + 1);
        const parsed = parseView(damaged, 'x');
        // The case of the outer names is no content.
        if (parsed.ok) assert.deepEqual([damaged.toLowerCase(), parsed.value], [text.toLowerCase(), saved]);
      }),
    );
  });

  it('nothing makes it throw', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => assert.equal(parseView(text, 'x').ok, false)));
  });
});
