import assert from 'node:assert/strict';
import fc from 'fast-check';
import { accelerate, checksum, sumWords } from '../../../src/model/checksum.ts';
import { createMemory } from '../../../src/sys/memory.ts';
import { naiveChecksum } from '../../support/packets.ts';

const SIZE = 1 << 17;

describe('model/checksum', () => {
  const { bytes, view, wasm } = createMemory(SIZE);
  accelerate(view, wasm);
  /** The same bytes by another view: added up in JavaScript. */
  const plain = new DataView(bytes.buffer);

  it('is the same by SIMD and in JavaScript, wherever the bytes lie and however many', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 3000 }), fc.nat(70), (data, at) => {
        bytes.set(data, at);
        assert.equal(sumWords(view, at, data.length), sumWords(plain, at, data.length));
        assert.equal(checksum(view, at, data.length), naiveChecksum(data));
      }),
    );
  });

  it('does not overflow over the longest packet of the largest words', () => {
    bytes.fill(0xff);
    for (const length of [65_535, 65_534, 65_520]) {
      assert.equal(sumWords(view, 3, length), sumWords(plain, 3, length));
      assert.equal(checksum(view, 3, length), naiveChecksum(bytes.subarray(3, 3 + length)));
    }
  });
});
