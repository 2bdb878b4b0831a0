import assert from 'node:assert/strict';
import {
  createSharedTable,
  createTable,
  isHop,
  lookup,
  MAX_ROWS,
  publishRows,
  type Row,
  tableReader,
} from '../../../src/forwarder/table.ts';
import { address } from '../../support/packets.ts';

const row = (first: string, last: string, hop: string, peer = 0): Row => ({
  first: address(first),
  last: address(last),
  hop: address(hop),
  port: 8285,
  peer,
});

function published(...rows: Row[]) {
  const shared = createSharedTable();
  const table = createTable();
  publishRows(shared, rows);
  tableReader(shared, table)();
  return table;
}

describe('forwarder/table', () => {
  it('finds the row of an address, and nothing in the gaps', () => {
    const table = published(
      row('10.1.2.0', '10.1.2.255', '192.168.0.2', 7),
      row('200.1.4.0', '200.1.4.255', '192.168.0.4'),
    );
    const found = (ip: string) => lookup(table, address(ip));
    assert.deepEqual(['10.1.2.0', '10.1.2.77', '10.1.2.255', '200.1.4.1'].map(found), [0, 0, 0, 1]);
    assert.deepEqual(
      ['0.0.0.0', '10.1.1.255', '10.1.3.0', '200.1.5.0', '255.255.255.255'].map(found),
      [-1, -1, -1, -1, -1],
    );
    assert.equal(table.hop[0], address('192.168.0.2'));
    assert.equal(table.port[0], 8285);
    assert.equal(table.peer[0], 7);
  });

  it('knows from which outer addresses peers send', () => {
    const table = published(
      row('10.1.2.0', '10.1.2.255', '192.168.0.9'),
      row('10.1.3.0', '10.1.3.255', '192.168.0.2'),
      row('10.1.4.0', '10.1.4.255', '192.168.0.9'),
    );
    assert.equal(isHop(table, address('192.168.0.9')), true);
    assert.equal(isHop(table, address('192.168.0.2')), true);
    assert.equal(isHop(table, address('192.168.0.3')), false);
    assert.equal(isHop(table, 0), false);
    assert.equal(table.hopCount, 2);
  });

  it('follows each new generation, also an empty one', () => {
    const shared = createSharedTable();
    const table = createTable();
    const refresh = tableReader(shared, table);
    refresh();
    assert.equal(table.generation, 0);
    for (const hop of ['192.168.0.1', '192.168.0.2', '192.168.0.3']) {
      publishRows(shared, [row('10.1.2.0', '10.1.2.255', hop)]);
      refresh();
      assert.equal(table.hop[lookup(table, address('10.1.2.1'))], address(hop));
    }
    publishRows(shared, []);
    refresh();
    assert.equal(lookup(table, address('10.1.2.1')), -1);
    assert.equal(isHop(table, address('192.168.0.3')), false);
    assert.equal(table.generation, 4);
  });

  it('holds as many rows as it says', () => {
    const rows = Array.from({ length: MAX_ROWS }, (_, i) => ({
      first: i * 256,
      last: i * 256 + 255,
      hop: i + 1,
      port: 1,
      peer: i,
    }));
    const table = published(...rows.slice(0, 10), ...rows.slice(10));
    assert.equal(lookup(table, (MAX_ROWS - 1) * 256 + 9), MAX_ROWS - 1);
    assert.equal(isHop(table, MAX_ROWS), true);
  });
});
