import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  bitsOf,
  containsIp,
  type Ip,
  ipAt,
  lastOf,
  overlaps,
  type Prefix,
  parseCidr,
  parseIp,
  parsePrefix,
  prefixOf,
  printIp,
  printPrefix,
  sizeOf,
} from '../../../src/model/address.ts';
import { macFromSeed, parseMac, printMac } from '../../../src/model/mac.ts';

const anyIp: fc.Arbitrary<Ip> = fc
  .constantFrom<4 | 6>(4, 6)
  .chain((family) =>
    fc.bigInt({ min: 0n, max: (1n << BigInt(bitsOf(family))) - 1n }).map((value) => ({ family, value })),
  );

const anyPrefix: fc.Arbitrary<Prefix> = anyIp.chain((ip) =>
  fc.integer({ min: 0, max: bitsOf(ip.family) }).map((length) => prefixOf(ip, length)),
);

describe('addresses: properties', () => {
  it('what is printed is parsed to the same', () => {
    fc.assert(fc.property(anyIp, (ip) => assert.deepEqual(parseIp(printIp(ip)), ip)));
    fc.assert(fc.property(anyPrefix, (prefix) => assert.deepEqual(parsePrefix(printPrefix(prefix)), prefix)));
  });

  it('what is parsed from any text is printed in one form', () => {
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[0-9a-f.:/]{0,24}$/),
      fc.ipV4(),
      fc.ipV6(),
      fc.ipV4Extended(),
    );
    fc.assert(
      fc.property(text, (given) => {
        const ip = parseIp(given);
        if (ip) assert.deepEqual(parseIp(printIp(ip)), ip);
        const cidr = parseCidr(given);
        if (cidr) assert.ok(cidr.length <= bitsOf(cidr.ip.family));
      }),
    );
  });

  it('a prefix holds exactly the addresses from its first to its last', () => {
    fc.assert(
      fc.property(anyPrefix, (prefix) => {
        const { family } = prefix;
        const last = lastOf(prefix);
        assert.equal(last - prefix.address + 1n, sizeOf(prefix));
        assert.ok(containsIp(prefix, ipAt(prefix, 0n)) && containsIp(prefix, { family, value: last }));
        if (prefix.address > 0n) assert.ok(!containsIp(prefix, { family, value: prefix.address - 1n }));
        if (last + 1n < 1n << BigInt(bitsOf(family))) assert.ok(!containsIp(prefix, { family, value: last + 1n }));
      }),
    );
  });

  it('two prefixes overlap when their ranges do', () => {
    fc.assert(
      fc.property(anyPrefix, anyPrefix, (a, b) => {
        const ranges = a.family === b.family && a.address <= lastOf(b) && b.address <= lastOf(a);
        assert.equal(overlaps(a, b), ranges);
        assert.equal(overlaps(b, a), ranges);
      }),
    );
  });
});

describe('MAC addresses: properties', () => {
  it('what is made of a seed is a local unicast address, and round-trips', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 32 }), (seed) => {
        const mac = macFromSeed(seed);
        assert.equal((mac.bytes[0] ?? 0) & 3, 2);
        assert.deepEqual(parseMac(printMac(mac)), mac);
        assert.deepEqual(parseMac(printMac(mac).toUpperCase()), mac);
      }),
    );
  });

  it('no device has a multicast address or none', () => {
    for (const text of ['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '33:33:00:00:00:01'])
      assert.equal(parseMac(text), undefined);
    for (const text of [
      '02:11:22:33:44',
      '02-11-22-33-44-55',
      '2:11:22:33:44:55',
      '02:11:22:33:44:5g',
      ' 02:11:22:33:44:55',
    ])
      assert.equal(parseMac(text), undefined);
  });
});
