import assert from 'node:assert/strict';
import fc from 'fast-check';
import { rowsOf } from '../../../src/forwarder/rows.ts';
import {
  createSharedTable,
  createTable,
  isHop,
  lookup,
  publishRows,
  tableReader,
} from '../../../src/forwarder/table.ts';
import type { Forward } from '../../../src/kernel/state.ts';
import { containsIp, lastOf, prefixOf } from '../../../src/model/address.ts';

const ip4 = (value: number) => ({ family: 4, value: BigInt(value) }) as const;

/** Few distinct addresses, so that prefixes lie within one another and beside one another. */
const forwards = fc
  .array(
    fc.record({
      bits: fc.nat(255),
      at: fc.constantFrom(0, 10, 255),
      length: fc.integer({ min: 1, max: 32 }),
      hop: fc.nat(20),
    }),
    { maxLength: 40 },
  )
  .map((list) =>
    list.map(
      ({ bits, at, length, hop }): Forward => ({
        kind: 'forward',
        device: 'flannel0',
        subnet: prefixOf(ip4(((at << 24) | bits) >>> 0), length),
        nextHop: ip4(0xc0a80000 + hop),
        port: 8285,
      }),
    ),
  );

/** The longest prefix that holds the address; of two equal ones the later. */
function longestMatch(list: readonly Forward[], address: number): Forward | undefined {
  const holding = list.filter(({ subnet }) => containsIp(subnet, ip4(address)));
  const longest = Math.max(...holding.map(({ subnet }) => subnet.length));
  return holding.findLast(({ subnet }) => subnet.length === longest);
}

function tableOf(list: readonly Forward[]) {
  const shared = createSharedTable();
  const table = createTable();
  publishRows(
    shared,
    rowsOf(list, () => 0),
  );
  tableReader(shared, table)();
  return table;
}

describe('forwarder/table properties', () => {
  it('holds disjoint rows in order', () => {
    const property = fc.property(forwards, (list) => {
      const rows = rowsOf(list, () => 0);
      rows.forEach((row, i) => {
        assert.ok(row.first <= row.last);
        assert.ok(i === 0 || rows[i - 1]!.last < row.first);
      });
    });
    fc.assert(property);
  });

  it('finds what a search for the longest prefix finds', () => {
    const property = fc.property(forwards, fc.array(fc.nat(0xffffffff), { maxLength: 20 }), (list, random) => {
      const table = tableOf(list);
      const edges = list.flatMap(({ subnet }) => [Number(subnet.address), Number(lastOf(subnet))]);
      const near = edges.flatMap((edge) => [edge, (edge + 1) >>> 0, (edge - 1) >>> 0]);
      for (const address of [...near, ...random]) {
        const row = lookup(table, address);
        const expected = longestMatch(list, address);
        assert.equal(row < 0 ? undefined : table.hop[row], expected && Number(expected.nextHop.value));
        if (row >= 0) assert.ok(isHop(table, table.hop[row]!));
      }
    });
    fc.assert(property);
  });
});
