import { TsflannelError } from '../../errors.ts';
import type { Forward } from '../../kernel/state.ts';
import type { Prefix } from '../../model/address.ts';
import { deleteAll, entriesOf, updateAll } from '../../sys/bpf.ts';
import { FORWARD, MAX_FORWARDS, SUBNET, TRAFFIC } from './layout.ts';
import type { Maps } from './maps.ts';

/** One entry of the programs' table, numbers in host order; `peer` is the key of its counters. */
export interface Entry {
  readonly address: number;
  readonly length: number;
  readonly hop: number;
  readonly port: number;
  readonly peer: number;
}

/** The programs' table, kept like the one that is wanted. */
export interface Table {
  /** Makes the table this one: additions first. Throws KERNEL_REFUSED when it is too large. */
  set(forwards: readonly Forward[]): void;
  entries(): readonly Entry[];
}

/** A subnet as one number: cheaper than text. */
const keyOf = (address: number, length: number): number => address * 64 + length;
const subnetKey = ({ address, length }: Pick<Entry, 'address' | 'length'>): Buffer =>
  SUBNET.encode({ address, length });
const u32 = (value: number): Buffer => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value, 0);
  return buffer;
};
const be32 = (value: number): Buffer => u32(value).reverse();

/** What is in the map. */
export function readEntries(forwards: number): Entry[] {
  return entriesOf(forwards, SUBNET.size, FORWARD.size).map(([key, value]) => {
    const { hop, port, peer } = FORWARD.decode(value);
    return { ...SUBNET.decode(key), hop, port, peer };
  });
}

type Wish = Omit<Entry, 'peer'>;

/** By subnet; of two equal ones the later counts. IPv6 has no place in this wire format. */
function wishesOf(forwards: readonly Forward[]): Map<number, Wish> {
  const wishes = new Map<number, Wish>();
  for (const { subnet, nextHop, port } of forwards) {
    if (subnet.family !== 4 || nextHop.family !== 4) continue;
    const wish = { address: Number(subnet.address), length: subnet.length, hop: Number(nextHop.value), port };
    wishes.set(keyOf(wish.address, wish.length), wish);
  }
  return wishes;
}

/** Numbers that are not in use, from the smallest on. */
function createFree(used: Iterable<number>): () => number {
  const taken = new Set(used);
  let next = 0;
  return () => {
    while (taken.has(next)) next += 1;
    return next++;
  };
}

function addPeers(maps: Maps, peers: readonly number[], cpus: number): void {
  const zero = Buffer.alloc(TRAFFIC.size * cpus);
  updateAll(
    maps.peers,
    peers.map((peer) => [u32(peer), zero]),
  );
}

const differ = (a: Entry, b: Wish): boolean => a.hop !== b.hop || a.port !== b.port;

interface Change {
  readonly after: Map<number, Entry>;
  /** New or changed. */
  readonly put: readonly Entry[];
  readonly added: readonly number[];
  readonly gone: readonly Entry[];
}

function changeOf(before: ReadonlyMap<number, Entry>, wishes: ReadonlyMap<number, Wish>): Change {
  const free = createFree([...before.values()].map(({ peer }) => peer));
  const after = new Map<number, Entry>();
  const put: Entry[] = [];
  const added: number[] = [];
  for (const [key, wish] of wishes) {
    const former = before.get(key);
    const entry = former && !differ(former, wish) ? former : { ...wish, peer: former?.peer ?? free() };
    after.set(key, entry);
    if (entry !== former) put.push(entry);
    if (!former) added.push(entry.peer);
  }
  return {
    after,
    put,
    added,
    gone: [...before.values()].filter(({ address, length }) => !after.has(keyOf(address, length))),
  };
}

const hopsOf = (entries: Iterable<Entry>): Set<number> => new Set(Array.from(entries, ({ hop }) => hop));

/** The table in these maps with what is in it already; counters are made for as many CPUs as the kernel counts. */
export function openTable(maps: Maps, cpus: number): Table {
  let entries = new Map(readEntries(maps.forwards).map((entry) => [keyOf(entry.address, entry.length), entry]));
  return {
    entries: () => [...entries.values()],
    set(forwards) {
      const wishes = wishesOf(forwards);
      if (wishes.size > MAX_FORWARDS)
        throw new TsflannelError('KERNEL_REFUSED', {
          detail: `forwarding to ${wishes.size} subnets`,
          why: `the table holds ${MAX_FORWARDS}`,
        });
      const { after, put, added, gone } = changeOf(entries, wishes);
      const [before, now] = [hopsOf(entries.values()), hopsOf(after.values())];
      addPeers(maps, added, cpus);
      updateAll(
        maps.hops,
        [...now].filter((hop) => !before.has(hop)).map((hop) => [be32(hop), u32(0)]),
      );
      updateAll(
        maps.forwards,
        put.map((entry) => [
          subnetKey(entry),
          FORWARD.encode({ hop: entry.hop, port: entry.port, in_kernel: 0, peer: entry.peer }),
        ]),
      );
      deleteAll(maps.forwards, gone.map(subnetKey));
      deleteAll(maps.hops, [...before].filter((hop) => !now.has(hop)).map(be32));
      deleteAll(
        maps.peers,
        gone.map(({ peer }) => u32(peer)),
      );
      entries = after;
    },
  };
}

export const subnetOf = ({ address, length }: Entry): Prefix => ({ family: 4, address: BigInt(address), length });
