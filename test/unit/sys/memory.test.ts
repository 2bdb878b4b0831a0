import assert from 'node:assert/strict';
import { createMemory, setPointer, setText } from '../../../src/sys/memory.ts';

describe('sys/memory', () => {
  it('hands out zeroed, aligned places that do not overlap, and no more than it has', () => {
    const memory = createMemory(1 << 16);
    assert.deepEqual([memory.reserve(1), memory.reserve(16), memory.reserve(17), memory.reserve(1)], [0, 16, 32, 64]);
    assert.ok(memory.bytes.every((byte) => byte === 0));
    assert.throws(() => memory.reserve(1 << 16), RangeError);
  });

  it('writes addresses as 64-bit numbers and text with its end', () => {
    const memory = createMemory(100);
    setPointer(memory.view, 8, 0x7fff_1234_5678);
    assert.equal(memory.view.getBigUint64(8, true), 0x7fff_1234_5678n);
    memory.bytes.fill(7, 32, 48);
    setText(memory, 32, 'flannel0');
    assert.deepEqual([...memory.bytes.slice(32, 42)], [...Buffer.from('flannel0'), 0, 7]);
  });
});
