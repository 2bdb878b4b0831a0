import { bitsOf, overlaps, type Prefix, sizeOf } from '../model/address.ts';

/** The smallest network that has room for a gateway and containers. */
const MAX_LENGTH = 29;

/** The first part of this length that overlaps none of `taken`; `undefined` when there is none. */
function firstFree(lease: Prefix, length: number, taken: readonly Prefix[]): Prefix | undefined {
  const step = 1n << BigInt(bitsOf(lease.family) - length);
  for (let offset = 0n; offset < sizeOf(lease); offset += step) {
    const part = { family: lease.family, address: lease.address + offset, length };
    if (!taken.some((each) => overlaps(each, part))) return part;
  }
  return undefined;
}

/** A free part of the lease: of this length, or the largest there is. `undefined` when nothing is free. */
export function freeSubnet(lease: Prefix, length: number | undefined, taken: readonly Prefix[]): Prefix | undefined {
  if (length !== undefined) return length < lease.length ? undefined : firstFree(lease, length, taken);
  for (let each = lease.length; each <= MAX_LENGTH; each++) {
    const found = firstFree(lease, each, taken);
    if (found) return found;
  }
  return undefined;
}
