import assert from 'node:assert/strict';
import fc from 'fast-check';
import { buildIcmpError, ICMP_MAX, TIME_EXCEEDED } from '../../../src/forwarder/icmp.ts';
import { judgeInbound, judgeOutbound, type Self } from '../../../src/forwarder/judge.ts';
import { createSharedTable, createTable, publishRows, tableReader } from '../../../src/forwarder/table.ts';
import { DROP_REASONS } from '../../../src/model/carrier-report.ts';
import { address, bytesOf, packet, spanOf } from '../../support/packets.ts';

/** TSFLANNEL_PACKETS is how many are judged. */
const COUNT = Number(process.env.TSFLANNEL_PACKETS ?? 5_000);

const self: Self = {
  first: address('10.1.1.0'),
  last: address('10.1.1.255'),
  address: address('10.1.1.0'),
  check: 'strict',
};
const PEER = address('192.168.0.2');
const table = createTable();
const shared = createSharedTable();
publishRows(shared, [{ first: address('10.1.2.0'), last: address('10.1.2.255'), hop: PEER, port: 8285, peer: 0 }]);
tableReader(shared, table)();

const good = fc.constantFrom(
  packet({ source: address('10.1.2.9'), destination: address('10.1.1.5') }),
  packet({ source: address('10.1.1.5'), destination: address('10.1.2.9'), options: [7, 4, 0, 0], protocol: 1 }),
  packet({
    source: address('10.1.2.9'),
    destination: address('10.1.1.5'),
    ttl: 1,
    fragment: 0x2000,
    payload: new Array(900).fill(7),
  }),
);
/** A good packet with some bytes changed, cut or prolonged. */
const mutated = fc
  .tuple(good, fc.array(fc.tuple(fc.nat(30), fc.nat(255)), { maxLength: 5 }), fc.nat(60), fc.nat(40))
  .map(([bytes, changes, keep, more]) => {
    const copy = Uint8Array.from(bytes);
    for (const [at, value] of changes) copy[at] = value;
    return Uint8Array.from([...copy.slice(0, keep === 0 ? copy.length : keep), ...new Array<number>(more).fill(9)]);
  });
const anything = fc.oneof(fc.uint8Array({ maxLength: 120 }), mutated);
const outers = fc.constantFrom(PEER, 0, address('192.168.0.3'), 0xffffffff);

describe('forwarder fuzz', () => {
  const isVerdict = (verdict: number): boolean => verdict === 0 || (verdict < 0 && ~verdict < DROP_REASONS.length);

  it('judges any bytes from anyone, touches no byte outside, and lets nothing through that is not sound', () => {
    const property = fc.property(anything, outers, fc.boolean(), (bytes, outer, inward) => {
      const span = spanOf(bytes);
      const verdict = inward ? judgeInbound(span, outer, self, table) : judgeOutbound(span, self, table);
      assert.ok(isVerdict(verdict));
      assert.ok(span.bytes.every((byte, i) => (i >= 7 && i < 7 + bytes.length) || byte === 0xee));
      if (verdict < 0) return;
      assert.ok(span.length >= 20 && span.length <= bytes.length);
      const inner = bytesOf(span);
      assert.equal(inner.length, inner[2]! * 256 + inner[3]!);
      if (inward) assert.deepEqual([outer, ...inner.slice(12, 15), ...inner.slice(16, 19)], [PEER, 10, 1, 2, 10, 1, 1]);
    });
    fc.assert(property, { numRuns: COUNT });
  }).timeout(2_000 + COUNT);

  it('answers any bytes with a whole ICMP error or not at all', () => {
    const property = fc.property(anything, (bytes) => {
      const length = buildIcmpError(spanOf(new Uint8Array(ICMP_MAX)), spanOf(bytes), TIME_EXCEEDED, self.address);
      assert.ok(length === 0 || (length >= 48 && length <= ICMP_MAX));
    });
    fc.assert(property, { numRuns: 2000 });
  });
});
