/** The package ip-cidr as the second opinion on our own arithmetic. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import IPCIDR from 'ip-cidr';
import {
  containsIp,
  containsPrefix,
  type Ip,
  lastOf,
  overlaps,
  type Prefix,
  parseCidr,
  prefixOf,
  printIp,
  printPrefix,
  sizeOf,
} from '../../../src/model/address.ts';

const ip = fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }).map((value): Ip => ({ family: 4, value }));
const length = fc.integer({ min: 0, max: 32 });
const prefix = fc.tuple(ip, length).map(([each, bits]) => prefixOf(each, bits));

/** A prefix and one that is near enough to touch it often. */
const pair = prefix.chain((a): fc.Arbitrary<[Prefix, Prefix]> => {
  const offset = fc.bigInt({ min: 0n, max: 4_096n });
  const near = fc
    .tuple(offset, length)
    .map(([by, bits]) => prefixOf({ family: 4, value: (a.address + by) & 0xffff_ffffn }, bits));
  return fc.tuple(fc.constant(a), fc.oneof(prefix, near));
});

describe('model/address beside ip-cidr', () => {
  it('agrees about the first address, the last, the size and what lies within', () => {
    fc.assert(
      fc.property(pair, ip, ([a, b], any) => {
        const [outer, inner] = [new IPCIDR(printPrefix(a)), new IPCIDR(printPrefix(b))];
        const [from, to] = [inner.start<string>(), inner.end<string>()];
        assert.equal(outer.start<string>(), printIp({ family: 4, value: a.address }));
        assert.equal(outer.end<string>(), printIp({ family: 4, value: lastOf(a) }));
        assert.equal(BigInt(outer.size as bigint), sizeOf(a));
        assert.equal(outer.contains(printIp(any)), containsIp(a, any));
        assert.equal(outer.contains(from) && outer.contains(to), containsPrefix(a, b));
        assert.equal(outer.contains(from) || inner.contains(outer.start<string>()), overlaps(a, b));
      }),
      { numRuns: 300 },
    );
  });

  it('accepts no CIDR that ip-cidr refuses', () => {
    const number = fc.oneof(
      fc.integer({ min: 0, max: 300 }).map(String),
      fc.constantFrom('00', '010', '1e1', '', '-1', '0x1'),
    );
    const text = fc
      .tuple(fc.array(number, { minLength: 4, maxLength: 4 }), number)
      .map(([parts, bits]) => `${parts.join('.')}/${bits}`);
    fc.assert(
      fc.property(text, (cidr) => {
        if (parseCidr(cidr)) assert.equal(IPCIDR.isValidCIDR(cidr), true, cidr);
      }),
      { numRuns: 3_000 },
    );
  });
});
