import assert from 'node:assert/strict';
import { readMaps } from '../../../src/forwarder/ebpf/counters.ts';
import { TRAFFIC } from '../../../src/forwarder/ebpf/layout.ts';
import { MAP_NAMES, type Maps } from '../../../src/forwarder/ebpf/maps.ts';
import { readPrograms } from '../../../src/forwarder/ebpf/object.ts';
import { type Entry, openTable, readEntries } from '../../../src/forwarder/ebpf/table.ts';
import type { Forward } from '../../../src/kernel/state.ts';
import { createMap, entriesOf, lookupElement, updateElement } from '../../../src/sys/bpf.ts';
import { possibleCpus } from '../../../src/sys/cpus.ts';
import { libc } from '../../../src/sys/libc.ts';
import { ip, prefix } from '../kernel/objects.ts';

const CPUS = possibleCpus();

/** The real maps, pinned nowhere: they are gone with their descriptors. */
function makeMaps(): Maps {
  const { maps } = readPrograms();
  const made = MAP_NAMES.map((name) => [name, createMap(name, maps.find((map) => map.name === name)!)]);
  return Object.fromEntries(made) as Maps;
}

const forward = (subnet: string, nextHop: string, port = 8285): Forward => ({
  kind: 'forward',
  device: 'flannel0',
  subnet: prefix(subnet),
  nextHop: ip(nextHop),
  port,
});
const many = (count: number, hop = (i: number) => `10.${200 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`): Forward[] =>
  Array.from({ length: count }, (_, i) => forward(`172.${16 + (i >> 8)}.${i & 255}.0/24`, hop(i)));

const shown = (entries: readonly Entry[]): string[] =>
  entries.map(({ address, length, hop, port }) => `${address}/${length} ${hop}:${port}`).sort();
const wanted = (forwards: readonly Forward[]): string[] =>
  forwards.map(({ subnet, nextHop, port }) => `${subnet.address}/${subnet.length} ${nextHop.value}:${port}`).sort();

describe('forwarder/ebpf/table on real maps', () => {
  let maps: Maps;
  beforeEach(() => {
    maps = makeMaps();
  });
  afterEach(() => {
    for (const fd of Object.values(maps)) libc().close(fd);
  });
  const hops = (): number[] =>
    entriesOf(maps.hops, 4, 4)
      .map(([key]) => key.readUInt32BE(0))
      .sort();
  const peers = (): number => entriesOf(maps.peers, 4, TRAFFIC.size * CPUS).length;

  it('becomes each table it is told, with the peers’ addresses and a counter for each subnet', () => {
    const table = openTable(maps, CPUS);
    const steps = [
      [forward('172.20.1.0/24', '10.200.0.1')],
      [forward('172.20.1.0/24', '10.200.0.1'), forward('172.20.2.0/24', '10.200.0.2')],
      // The same peer twice, another port, a subnet within another.
      [
        forward('172.20.1.0/24', '10.200.0.9', 9999),
        forward('172.20.2.0/24', '10.200.0.9'),
        forward('172.20.2.128/25', '10.200.0.2'),
      ],
      [forward('172.20.7.0/24', '10.200.0.2')],
      [],
    ];
    for (const forwards of steps) {
      table.set(forwards);
      assert.deepEqual(shown(readEntries(maps.forwards)), wanted(forwards));
      assert.deepEqual(shown(table.entries()), wanted(forwards));
      assert.deepEqual(hops(), [...new Set(forwards.map(({ nextHop }) => Number(nextHop.value)))].sort());
      assert.equal(peers(), forwards.length);
    }
  });

  it('takes over what a former daemon has left, and counts on', () => {
    openTable(maps, CPUS).set([forward('172.20.1.0/24', '10.200.0.1'), forward('172.20.2.0/24', '10.200.0.2')]);
    const left = readEntries(maps.forwards).find(({ hop }) => hop === Number(ip('10.200.0.2').value))!;
    const key = Buffer.alloc(4);
    key.writeUInt32LE(left.peer, 0);
    const traffic = Buffer.alloc(TRAFFIC.size * CPUS);
    for (let cpu = 0; cpu < CPUS; cpu++) traffic.writeBigUInt64LE(BigInt(10 + cpu), TRAFFIC.size * cpu);
    updateElement(maps.peers, key, traffic);

    const table = openTable(maps, CPUS);
    table.set([forward('172.20.2.0/24', '10.200.0.2'), forward('172.20.3.0/24', '10.200.0.3')]);
    const counted = readMaps(maps, table.entries(), CPUS).peers.map(({ subnet, sent }) => [
      subnet.address,
      sent.packets,
    ]);
    const sum = Array.from({ length: CPUS }, (_, cpu) => 10 + cpu).reduce((a, b) => a + b, 0);
    assert.deepEqual(new Map(counted as [bigint, number][]).get(prefix('172.20.2.0/24').address), sum);
    assert.deepEqual(new Map(counted as [bigint, number][]).get(prefix('172.20.3.0/24').address), 0);
  });

  it('begins with counters of zero where a subnet takes the place of another', () => {
    const table = openTable(maps, CPUS);
    table.set([forward('172.20.1.0/24', '10.200.0.1')]);
    const traffic = Buffer.alloc(TRAFFIC.size * CPUS, 1);
    updateElement(maps.peers, Buffer.alloc(4), traffic);
    table.set([]);
    table.set([forward('172.20.5.0/24', '10.200.0.5')]);
    const value = Buffer.alloc(TRAFFIC.size * CPUS);
    assert.ok(lookupElement(maps.peers, Buffer.alloc(4), value));
    assert.ok(value.every((byte) => byte === 0));
  });

  it('holds thousands, and is set in time', () => {
    const table = openTable(maps, CPUS);
    const forwards = many(3000);
    const begun = performance.now();
    table.set(forwards);
    const ms = performance.now() - begun;
    assert.deepEqual(shown(readEntries(maps.forwards)), wanted(forwards));
    // Some tens of milliseconds; what is not done in one go per map takes seconds.
    console.log(`      ${Math.round(ms)} ms`);
    assert.ok(ms < 10_000, `${ms} ms`);
    table.set(forwards.slice(1));
    assert.equal(readEntries(maps.forwards).length, 2999);
  });

  it('refuses more than it holds, and keeps what it has', () => {
    const table = openTable(maps, CPUS);
    table.set(many(2));
    const tooMany = Array.from({ length: 65_537 }, (_, i) => ({
      ...forward('10.0.0.0/32', '10.200.0.1'),
      subnet: { family: 4 as const, address: BigInt(0x0a00_0000 + i), length: 32 },
    }));
    assert.throws(() => table.set(tooMany), /forwarding to 65537 subnets/);
    assert.deepEqual(shown(readEntries(maps.forwards)), wanted(many(2)));
  });
});
