import assert from 'node:assert/strict';
import { judgeInbound, judgeOutbound, misusedRow, type Self } from '../../../src/forwarder/judge.ts';
import { DROP, ttlOf } from '../../../src/forwarder/packet.ts';
import { createSharedTable, createTable, NOBODY, publishRows, tableReader } from '../../../src/forwarder/table.ts';
import { address, bytesOf, type Fields, naiveChecksum, packet, spanOf } from '../../support/packets.ts';

const self: Self = {
  first: address('10.1.1.0'),
  last: address('10.1.1.255'),
  address: address('10.1.1.0'),
  check: 'strict',
};
const OUTER_2 = address('192.168.0.2');
const OUTER_3 = address('192.168.0.3');
const table = createTable();
const shared = createSharedTable();
const rowOf = (third: number, hop: number) => ({
  first: address(`10.1.${third}.0`),
  last: address(`10.1.${third}.255`),
  hop,
  port: 8285,
  peer: 0,
});
publishRows(shared, [rowOf(2, OUTER_2), rowOf(3, OUTER_3)]);
tableReader(shared, table)();

const outbound = (fields: Partial<Fields> = {}) => {
  const span = spanOf(packet({ source: address('10.1.1.5'), destination: address('10.1.3.7'), ...fields }), 3);
  return { span, verdict: judgeOutbound(span, self, table) };
};
const inbound = (fields: Partial<Fields> = {}, outer = OUTER_2, check: Self['check'] = 'strict') => {
  const span = spanOf(packet({ source: address('10.1.2.9'), destination: address('10.1.1.5'), ...fields }), 3);
  return { span, verdict: judgeInbound(span, outer, { ...self, check }, table) };
};

describe('forwarder/judge outbound', () => {
  it('sends to the peer that leases the destination, trimmed, with one less to live', () => {
    const { span, verdict } = outbound({ ttl: 2 });
    assert.equal(verdict, 1);
    assert.equal(span.length, 28);
    assert.equal(ttlOf(span), 1);
    assert.equal(naiveChecksum(bytesOf(span).slice(0, 20)), 0);
  });

  it('drops what has nowhere to go', () => {
    assert.equal(outbound({ destination: address('10.1.4.1') }).verdict, DROP['no-route']);
    assert.equal(outbound({ destination: address('10.1.1.200') }).verdict, DROP['own-subnet']);
    assert.equal(outbound({ destination: address('224.0.0.251') }).verdict, DROP.multicast);
    assert.equal(outbound({ destination: address('255.255.255.255') }).verdict, DROP.multicast);
  });

  it('drops what has lived too long and leaves it as it was, to be quoted', () => {
    for (const ttl of [0, 1]) {
      const { span, verdict } = outbound({ ttl });
      assert.equal(verdict, DROP.ttl);
      assert.equal(ttlOf(span), ttl);
    }
  });
});

describe('forwarder/judge inbound', () => {
  it('delivers what a peer sends from its subnet to ours', () => {
    const { span, verdict } = inbound();
    assert.equal(verdict, 0);
    assert.equal(span.length, 28);
    assert.equal(ttlOf(span), 63);
    assert.equal(naiveChecksum(bytesOf(span).slice(0, 20)), 0);
  });

  it('delivers nothing of a stranger, whatever it contains', () => {
    const stranger = address('192.168.0.4');
    assert.equal(inbound({}, stranger).verdict, DROP['outer-source-unknown']);
    assert.equal(inbound({ source: 0 }, stranger).verdict, DROP['outer-source-unknown']);
    assert.equal(judgeInbound(spanOf(new Uint8Array(0)), stranger, self, table), DROP['outer-source-unknown']);
  });

  it('delivers nothing that a peer sends in the name of another', () => {
    assert.equal(inbound({}, OUTER_3).verdict, DROP['inner-source-foreign']);
    for (const source of ['10.1.1.6', '10.1.4.1', '192.168.0.2', '0.0.0.0', '255.255.255.255'].map(address)) {
      assert.equal(inbound({ source }).verdict, DROP['inner-source-foreign']);
    }
  });

  it('delivers nothing that is not for our subnet', () => {
    for (const destination of ['10.1.3.7', '10.1.2.9', '192.168.0.1', '224.0.0.1', '8.8.8.8'].map(address)) {
      assert.equal(inbound({ destination }).verdict, DROP['inner-destination-foreign']);
    }
  });

  it('delivers nothing malformed or outlived', () => {
    assert.equal(inbound({ ttl: 1 }).verdict, DROP.ttl);
    assert.equal(judgeInbound(spanOf(Uint8Array.of(0x45, 0)), OUTER_2, self, table), DROP.truncated);
    assert.equal(judgeInbound(spanOf(Uint8Array.of(0x60, 0)), OUTER_2, self, table), DROP['not-ip4']);
  });
});

describe('forwarder/judge inbound, the source check loosened', () => {
  const STRANGER = address('192.168.0.4');

  it('subnet: takes a leased source from any address, but for our subnet only, and never ours or nobody’s', () => {
    const subnet = (fields: Partial<Fields>) => inbound(fields, STRANGER, 'subnet').verdict;
    assert.equal(subnet({}), 0);
    assert.equal(subnet({ source: address('10.1.3.9') }), 1);
    assert.equal(subnet({ source: address('10.1.4.9') }), DROP['inner-source-foreign']);
    assert.equal(subnet({ source: address('10.1.1.6') }), DROP['inner-source-foreign']);
    assert.equal(subnet({ destination: address('10.1.3.7') }), DROP['inner-destination-foreign']);
    assert.equal(subnet({ ttl: 1 }), DROP.ttl);
  });

  it('off: takes whatever is a packet', () => {
    const off = (fields: Partial<Fields>) => inbound(fields, STRANGER, 'off').verdict;
    assert.equal(off({}), 0);
    assert.equal(off({ source: address('8.8.8.8'), destination: address('10.1.3.7') }), NOBODY);
    assert.equal(off({ source: address('10.1.1.6') }), NOBODY);
    assert.equal(off({ ttl: 1 }), DROP.ttl);
    assert.equal(
      judgeInbound(spanOf(Uint8Array.of(0x60, 0)), STRANGER, { ...self, check: 'off' }, table),
      DROP['not-ip4'],
    );
  });

  it('knows in whose name a stranger, or another peer, has sent', () => {
    const misused = (fields: Partial<Fields>, outer: number) => {
      const { span, verdict } = inbound(fields, outer);
      return misusedRow(span, verdict, self, table);
    };
    assert.equal(misused({}, STRANGER), 0);
    assert.equal(misused({}, OUTER_3), 0);
    assert.ok(misused({ source: address('10.1.4.9') }, STRANGER) < 0);
    assert.ok(misused({ destination: address('10.1.3.7') }, OUTER_2) < 0);
  });
});
