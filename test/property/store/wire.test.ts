/** No bytes that come in etcd's name keep the client from going on: they decode, or the call fails (reliability, row 19). */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { METHODS } from '../../../src/etcd-client/methods.ts';

const RUNS = Number(process.env.TSFLANNEL_FUZZ ?? 10_000);

/** Three keys as etcd sends them, by hand: field 2 of a range's answer, with key (1) and value (5). */
const kv = (key: string, value: string): Buffer => {
  const [k, v] = [Buffer.from(key), Buffer.from(value)];
  const body = Buffer.concat([Buffer.from([10, k.length]), k, Buffer.from([16, 3, 24, 4, 32, 1, 42, v.length]), v]);
  return Buffer.concat([Buffer.from([18, body.length]), body]);
};
const WHOLE = Buffer.concat([kv('/a/1', '{"PublicIP":"10.0.0.1"}'), kv('/a/2', ''), kv('/a/3', '\u0000')]);

/** Bytes changed, cut off and put in. */
const damaged = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(WHOLE.length - 1), fc.nat(255)), { maxLength: 6 }),
    fc.nat(WHOLE.length),
    fc.uint8Array({ maxLength: 20 }),
  )
  .map(([changes, end, tail]) => {
    const bytes = Buffer.from(WHOLE);
    for (const [at, byte] of changes) bytes[at] = byte;
    return Buffer.concat([bytes.subarray(0, end), tail]);
  });

describe('messages of etcd', () => {
  it('are what was sent, when they are whole', () => {
    assert.equal(METHODS.range.decode(WHOLE).kvs.length, 3);
  });

  for (const [name, { decode }] of Object.entries({ range: METHODS.range, watch: METHODS.watch, txn: METHODS.txn }))
    it(`decode or are refused, whatever they are: ${name}`, () => {
      fc.assert(
        fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (bytes) => {
          try {
            decode(Buffer.from(bytes));
          } catch (error) {
            assert.ok(error instanceof Error);
          }
        }),
        { numRuns: RUNS },
      );
    }).timeout(120_000);
});
