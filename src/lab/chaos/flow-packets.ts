import type { Arrived, Hole, Range, Ranges } from './flow-wire.ts';

/** One datagram of a flow. */
export interface Packet {
  readonly from: number;
  readonly to: number;
  /** The address it was sent to, dotted: the one its sender was told of. */
  readonly ip: string;
  readonly seq: number;
  /** When it was sent. */
  readonly at: number;
}

const MAGIC = 0x7473_666c;
const SIZE = 64;

export function writePacket({ from, to, ip, seq, at }: Packet): Buffer {
  const packet = Buffer.alloc(SIZE);
  packet.writeUInt32BE(MAGIC, 0);
  packet.writeUInt16BE(from, 4);
  packet.writeUInt16BE(to, 6);
  packet.writeUInt32BE(seq, 8);
  packet.writeDoubleBE(at, 12);
  for (const [i, byte] of ip.split('.').entries()) packet.writeUInt8(Number(byte), 20 + i);
  return packet;
}

/** `undefined` for what is none. */
export function readPacket(data: Buffer): Packet | undefined {
  if (data.length !== SIZE || data.readUInt32BE(0) !== MAGIC) return undefined;
  return {
    ...{ from: data.readUInt16BE(4), to: data.readUInt16BE(6), seq: data.readUInt32BE(8), at: data.readDoubleBE(12) },
    ip: data.subarray(20, 24).join('.'),
  };
}

/** Number of the container that has an address. */
export type Owners = ReadonlyMap<string, number>;

/** What came at one end. */
export interface Inbox {
  take(data: Buffer): void;
  reset(): void;
  latest(): Record<number, number>;
  /** Whether all that came of these has been taken: from each sender something later has come. */
  isPast(ranges: Ranges): boolean;
  /** `owners`: whose each address is by now. */
  collect(ranges: Ranges, owners: Owners): Record<number, Arrived>;
}

/** From one sender: when each packet was sent, by its number. */
interface Source {
  readonly sentAt: Map<number, number>;
  /** When the latest one was sent, and its number. */
  latest: number;
  highest: number;
  repeated: number;
  /** Meant for another: how many by whom they were for and where they were sent. */
  readonly others: Map<string, { readonly to: number; readonly ip: string; count: number }>;
}

/** Holes worth telling of, a pair. */
const MOST_HOLES = 20;

/** The holes in a flow. One that reaches to the end of the range ends with `end`, when the range was closed. */
export function holesOf(sentAt: ReadonlyMap<number, number>, [first, end]: Range): Hole[] {
  const holes: Hole[] = [];
  let [last, count] = [Number.NaN, 0];
  const close = (to: number) => {
    if (count > 0) holes.push({ from: last, to, count });
    count = 0;
  };
  for (let seq = first; seq < end; seq++) {
    const at = sentAt.get(seq);
    if (at === undefined) count++;
    else {
      close(at);
      last = at;
    }
  }
  close(Number.NaN);
  // One without an end or a beginning is as long as its packets: one a millisecond.
  return holes.map(({ from, to, count: lost }) => ({
    from: Number.isNaN(from) ? to - lost : from,
    to: Number.isNaN(to) ? from + lost : to,
    count: lost,
  }));
}

/**
 * A packet whose address is this end's by now, and no more that of whom it was for, went where it should: its sender had not heard yet that the
 * subnet is another node's. While both have the address, or neither, it went astray.
 */
const isOvertaken = (own: number, to: number, ip: string, owners: Owners): boolean =>
  owners.get(ip) === own && [...owners.values()].includes(to);

function arrivedOf(own: number, { sentAt, repeated, others }: Source, [first, end]: Range, owners: Owners): Arrived {
  const count = (overtaken: boolean): number =>
    [...others.values()]
      .filter(({ to, ip }) => isOvertaken(own, to, ip, owners) === overtaken)
      .reduce((total, one) => total + one.count, 0);
  const holes = holesOf(sentAt, [first, end]);
  const lost = holes.reduce((sum, { count }) => sum + count, 0);
  const lostUntil = holes.at(-1)?.to ?? 0;
  const longest = holes.sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, MOST_HOLES);
  const astray = { strayed: count(false), overtaken: count(true) };
  return { received: end - first - lost, repeated, ...astray, holes: longest, lostUntil };
}

function countOther({ others }: Source, { to, ip }: Packet): void {
  const one = others.get(`${to} ${ip}`) ?? { to, ip, count: 0 };
  one.count++;
  others.set(`${to} ${ip}`, one);
}

/** `own`: whose packets these are to be. */
export function createInbox(own: number): Inbox {
  const sources = new Map<number, Source>();
  function sourceOf(id: number): Source {
    const source = sources.get(id) ?? { sentAt: new Map(), others: new Map(), latest: 0, highest: -1, repeated: 0 };
    sources.set(id, source);
    return source;
  }
  return {
    take(data) {
      const packet = readPacket(data);
      if (!packet) return;
      const source = sourceOf(packet.from);
      if (packet.to !== own) countOther(source, packet);
      else if (source.sentAt.has(packet.seq)) source.repeated++;
      else source.sentAt.set(packet.seq, packet.at);
      source.latest = Math.max(source.latest, packet.at);
      source.highest = Math.max(source.highest, packet.seq);
    },
    reset: () => sources.clear(),
    latest: () => Object.fromEntries([...sources].map(([id, { latest }]) => [id, latest])),
    isPast: (ranges) => Object.entries(ranges).every(([id, [, end]]) => sourceOf(Number(id)).highest >= end),
    collect: (ranges, owners) =>
      Object.fromEntries(
        Object.entries(ranges).map(([id, range]) => [id, arrivedOf(own, sourceOf(Number(id)), range, owners)]),
      ),
  };
}
