/** The internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit big-endian words. */

/** Sum of the words of `length` bytes (at most 65,535) on top of `seed`, not yet folded. An odd last byte counts as its word's high half. */
export function sumWords(bytes: Uint8Array, at: number, length: number, seed = 0): number {
  const end = at + (length & ~1);
  let sum = seed;
  for (let i = at; i < end; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
  return length & 1 ? sum + (bytes[end]! << 8) : sum;
}

/** The sum (below 2^32) in 16 bits. */
export function fold(sum: number): number {
  const once = (sum >>> 16) + (sum & 0xffff);
  return (once >>> 16) + (once & 0xffff);
}

/** The checksum to put into a header whose checksum field is zero; 0 over a header that carries the right one. */
export const checksum = (bytes: Uint8Array, at: number, length: number, seed = 0): number =>
  ~fold(sumWords(bytes, at, length, seed)) & 0xffff;
