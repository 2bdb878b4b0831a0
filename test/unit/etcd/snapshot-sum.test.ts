import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { createSum } from '../../../src/etcd/snapshot-sum.ts';

const sumOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
const problem = (...chunks: readonly Uint8Array[]) => {
  const sum = createSum();
  for (const chunk of chunks) sum.push(chunk);
  return sum.problem();
};

describe('etcd/snapshot-sum', () => {
  const database = Buffer.alloc(4096, 7);
  const whole = Buffer.concat([database, sumOf(database)]);

  it('passes a whole snapshot, however it is cut into chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: whole.length }), { maxLength: 12 }), (cuts) => {
        const at = [0, ...[...cuts].sort((a, b) => a - b), whole.length];
        const sum = createSum();
        for (let i = 1; i < at.length; i++) sum.push(whole.subarray(at[i - 1], at[i]));
        assert.equal(sum.problem(), undefined);
        assert.equal(sum.sha256(), sumOf(database).toString('hex'));
        assert.equal(sum.bytes(), whole.length);
      }),
    );
  });

  it('sees every changed byte and every cut', () => {
    for (const at of [0, 4095, 4096, 4127]) {
      const bad = Buffer.from(whole);
      bad[at] = (bad[at] ?? 0) ^ 1;
      assert.match(problem(bad) ?? '', /sha256/);
    }
    for (const length of [0, 31, 32, 4096, 4127]) assert.match(problem(whole.subarray(0, length)) ?? '', /cut off/);
  });
});
