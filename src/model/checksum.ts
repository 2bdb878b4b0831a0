import { simdSum } from './checksum-simd.ts';

/** The internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit big-endian words. */

/** A sum (below 2^53) of 16-bit words, or of words of any multiple of 16 bits, in 16 bits. */
export function fold(sum: number): number {
  const low = sum >>> 0;
  const high = Math.floor(sum / 2 ** 32);
  const once = (low & 0xffff) + (low >>> 16) + (high & 0xffff) + (high >>> 16);
  const twice = (once & 0xffff) + (once >>> 16);
  return (twice & 0xffff) + (twice >>> 16);
}

/** Where sums are taken by SIMD: one memory a thread, that of its packets. */
let fast: { readonly view: DataView; readonly sum: (at: number, end: number) => number } | undefined;
/** Below this the call costs more than it saves. */
const LONG = 128;

/** Lets sums over this view of a WebAssembly memory be taken by SIMD from now on, where there is any. */
export function accelerate(view: DataView, memory: object): void {
  const sum = simdSum(memory);
  fast = sum && { view, sum };
}

/**
 * The one's complement sum of `length` bytes, in 16 bits; an odd last byte counts as its word's high half. The order of bytes does not
 * matter to such a sum (RFC 1071, 2B), so it adds 32 bits at a time in the machine's order, in four sums the processor adds side by side.
 */
export function sumWords(view: DataView, at: number, length: number): number {
  const end = at + length;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = at;
  if (length >= LONG && fast !== undefined && view === fast.view) {
    i = at + (length & ~15);
    a = fast.sum(at, i) >>> 0;
  }
  for (; i + 16 <= end; i += 16) {
    a += view.getUint32(i, true);
    b += view.getUint32(i + 4, true);
    c += view.getUint32(i + 8, true);
    d += view.getUint32(i + 12, true);
  }
  for (; i + 2 <= end; i += 2) a += view.getUint16(i, true);
  if (i < end) a += view.getUint8(i);
  const sum = fold(a + b + c + d);
  return ((sum & 0xff) << 8) | (sum >>> 8);
}

/** The checksum to put into a header whose checksum field is zero; 0 over a header that carries the right one. `seed` is a sum to add. */
export const checksum = (view: DataView, at: number, length: number, seed = 0): number =>
  ~fold(seed + sumWords(view, at, length)) & 0xffff;
