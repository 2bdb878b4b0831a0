import assert from 'node:assert/strict';
import fc from 'fast-check';
import { prefixOf } from '../../../src/model/address.ts';
import {
  type Announcement,
  type PeerData,
  parseLease,
  parseSubnetKey,
  printLease,
  printSubnetKey,
} from '../../../src/model/lease.ts';
import { macFromSeed } from '../../../src/model/mac.ts';

const subnet = fc
  .tuple(fc.bigInt({ min: 0n, max: 0xffffffffn }), fc.integer({ min: 1, max: 31 }))
  .map(([value, length]) => prefixOf({ family: 4, value }, length));
const subnet6 = fc
  .tuple(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), fc.integer({ min: 1, max: 127 }))
  .map(([value, length]) => prefixOf({ family: 6, value }, length));
const mac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map(macFromSeed);
const peer: fc.Arbitrary<PeerData> = fc.oneof(
  fc.constant<PeerData>({ type: 'udp' }),
  fc.constant<PeerData>({ type: 'host-gw' }),
  fc.record(
    { type: fc.constant('vxlan' as const), vni: fc.integer({ min: 1, max: 0xffffff }), mac },
    { noNullPrototype: true },
  ),
);
const announcement: fc.Arbitrary<Announcement> = fc.record(
  {
    publicIp: fc.bigInt({ min: 0x01000000n, max: 0x7effffffn }).map((value) => ({ family: 4 as const, value })),
    peer,
    nodeId: fc.stringMatching(/^[0-9a-f]{32}$/),
    nodeName: fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,30}$/),
  },
  { noNullPrototype: true },
);
const KNOWN = new Set(['publicip', 'publicipv6', 'backendtype', 'backenddata', 'backendv6data', 'nodeid', 'nodename']);
const strangers = fc
  .dictionary(fc.string(), fc.jsonValue())
  .map((json) => Object.fromEntries(Object.entries(json).filter(([key]) => !KNOWN.has(key.toLowerCase()))));

const etcd = (key: string) => ({ key: `/net/subnets/${key}`, leaseId: '1', created: '2', modified: '3' });

describe('leases: properties', () => {
  it('keys round-trip, with and without an IPv6 subnet', () => {
    fc.assert(
      fc.property(subnet, fc.option(subnet6, { nil: undefined }), (v4, v6) => {
        assert.deepEqual(parseSubnetKey(printSubnetKey(v4, v6)), { subnet: v4, ...(v6 && { subnet6: v6 }) });
      }),
    );
  });

  it('values round-trip', () => {
    fc.assert(
      fc.property(subnet, announcement, (where, own) => {
        const parsed = parseLease(printLease(own), etcd(printSubnetKey(where)));
        assert.ok(parsed.ok);
        const { publicIp, peer: told, nodeId, nodeName } = parsed.value;
        assert.deepEqual({ publicIp, peer: told, nodeId, nodeName }, own);
      }),
    );
  });

  it('fields of others outlive every rewriting', () => {
    fc.assert(
      fc.property(announcement, announcement, strangers, (before, after, extra) => {
        const former = JSON.stringify({ ...JSON.parse(printLease(before)), ...extra });
        const value = printLease(after, former);
        const read = JSON.parse(value) as Record<string, unknown>;
        for (const key of Object.keys(extra)) assert.deepEqual(read[key], JSON.parse(JSON.stringify(extra[key])));
        const own = JSON.parse(printLease(after)) as Record<string, unknown>;
        for (const key of Object.keys(own)) assert.deepEqual(read[key], own[key]);
      }),
    );
  });

  it('no value throws, and what is taken is made of numbers', () => {
    const near = fc.record(
      {
        PublicIP: fc.oneof(fc.ipV4(), fc.string(), fc.jsonValue()),
        BackendType: fc.oneof(fc.constant('vxlan'), fc.jsonValue()),
        BackendData: fc.jsonValue(),
      },
      { requiredKeys: ['PublicIP'] },
    );
    const value = fc.oneof(
      fc.string(),
      fc.json(),
      near.map((json) => JSON.stringify(json)),
    );
    fc.assert(
      fc.property(value, (text) => {
        const parsed = parseLease(text, etcd('10.5.1.0-24'));
        if (parsed.ok) assert.equal(typeof parsed.value.publicIp.value, 'bigint');
        else assert.match(parsed.rejection.detail, /^[^\p{C}\p{Zl}\p{Zp}]*$/u);
      }),
      { numRuns: 500 },
    );
  });
});
