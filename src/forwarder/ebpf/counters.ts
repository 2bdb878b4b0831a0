import { DROP_REASONS, type DropReason, type ForwarderCounters, type PeerTraffic } from '../../model/carrier-report.ts';
import { entriesOf, lookupElement } from '../../sys/bpf.ts';
import { TRAFFIC } from './layout.ts';
import type { Maps } from './maps.ts';
import { type Entry, subnetOf } from './table.ts';

type Sum = ReturnType<typeof TRAFFIC.decode>;

/** All CPUs' values of one entry added up; of the addresses that were refused, one is kept. */
function sumTraffic(value: Buffer): Sum {
  const sum = TRAFFIC.decode(value);
  for (let at = TRAFFIC.size; at < value.length; at += TRAFFIC.size) {
    const one = TRAFFIC.decode(value, at);
    for (const [, name] of TRAFFIC.fields) if (name !== 'refused_from') sum[name] += one[name];
    sum.refused_from ||= one.refused_from;
  }
  return sum;
}

const sent = (sum: Sum) => ({ packets: sum.sent_packets, bytes: sum.sent_bytes });
const received = (sum: Sum) => ({ packets: sum.received_packets, bytes: sum.received_bytes });

function readDrops(map: number, cpus: number): Record<DropReason, number> {
  const value = Buffer.alloc(8 * cpus);
  const key = Buffer.alloc(4);
  const entries = DROP_REASONS.map((reason, i) => {
    key.writeUInt32LE(i, 0);
    lookupElement(map, key, value);
    return [reason, new BigUint64Array(Uint8Array.from(value).buffer).reduce((sum, one) => sum + Number(one), 0)];
  });
  return Object.fromEntries(entries) as Record<DropReason, number>;
}

const NOTHING: Sum = TRAFFIC.decode(Buffer.alloc(TRAFFIC.size));

function peerTraffic(entry: Entry, sum: Sum): PeerTraffic {
  const from = sum.refused_from === 0 ? {} : { refusedFrom: { family: 4 as const, value: BigInt(sum.refused_from) } };
  return { subnet: subnetOf(entry), sent: sent(sum), received: received(sum), refused: sum.refused, ...from };
}

/** What the programs have counted since their maps were made. */
export function readMaps(maps: Maps, entries: readonly Entry[], cpus: number): ForwarderCounters {
  const total = Buffer.alloc(TRAFFIC.size * cpus);
  lookupElement(maps.totals, Buffer.alloc(4), total);
  const peers = new Map(
    entriesOf(maps.peers, 4, TRAFFIC.size * cpus).map(([key, value]) => [key.readUInt32LE(0), sumTraffic(value)]),
  );
  const sum = sumTraffic(total);
  return {
    sent: sent(sum),
    received: received(sum),
    drops: readDrops(maps.drops, cpus),
    peers: entries.map((entry) => peerTraffic(entry, peers.get(entry.peer) ?? NOTHING)),
  };
}
