import assert from 'node:assert/strict';
import fc from 'fast-check';
import { freeSubnet } from '../../../src/docker/free-subnet.ts';
import { containsPrefix, overlaps, type Prefix, parsePrefix, printPrefix } from '../../../src/model/address.ts';

const prefix = (text: string): Prefix => parsePrefix(text)!;
const LEASE = prefix('172.17.57.0/24');
const free = (length: number | undefined, ...taken: string[]): string | undefined => {
  const found = freeSubnet(LEASE, length, taken.map(prefix));
  return found && printPrefix(found);
};

describe('docker/free-subnet', () => {
  it('is all of the lease where Docker has none of it', () => {
    assert.equal(free(undefined, '172.17.0.0/24', '10.0.0.0/8'), '172.17.57.0/24');
  });

  it('is the largest part that nothing has', () => {
    assert.equal(free(undefined, '172.17.57.0/25'), '172.17.57.128/25');
    assert.equal(free(undefined, '172.17.57.0/25', '172.17.57.128/27'), '172.17.57.192/26');
    assert.equal(free(27, '172.17.57.0/25'), '172.17.57.128/27');
  });

  it('is nothing where all is taken, for what is larger than the lease, and in parts too small for a network', () => {
    assert.equal(free(undefined, '172.17.0.0/16'), undefined);
    assert.equal(free(23), undefined);
    const rest = ['172.17.57.0/25', '172.17.57.128/26', '172.17.57.192/27', '172.17.57.224/28', '172.17.57.240/29'];
    assert.equal(free(undefined, ...rest, '172.17.57.248/30'), undefined);
  });

  it('never overlaps what is taken, and finds room where there is some', () => {
    const part = fc.tuple(fc.integer({ min: 25, max: 29 }), fc.nat(255)).map(([length, at]): Prefix => {
      const size = 1n << BigInt(32 - length);
      return { family: 4, length, address: LEASE.address + (BigInt(at) / size) * size };
    });
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 12 }),
        fc.option(fc.integer({ min: 24, max: 29 }), { nil: undefined }),
        (taken, length) => {
          const found = freeSubnet(LEASE, length, taken);
          if (found) return containsPrefix(LEASE, found) && !taken.some((each) => overlaps(each, found));
          const smallest = length ?? 29;
          const step = 1n << BigInt(32 - smallest);
          for (let at = 0n; at < 256n; at += step)
            if (!taken.some((each) => overlaps(each, { family: 4, length: smallest, address: LEASE.address + at })))
              return false;
          return true;
        },
      ),
    );
  });
});
