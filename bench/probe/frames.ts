/**
 * Counts what comes in on a device that is longer than an Ethernet frame, at the first place the kernel shows it: before any program or
 * filter, which might take it away. argv: the device. Answers each line by `{all, big}` so far.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { libc } from '../../src/sys/libc.ts';
import { createMemory, setPointer } from '../../src/sys/memory.ts';
import { loadPacketIo } from '../../src/sys/packet-io.ts';

const [AF_PACKET, SOCK_RAW, ETH_P_ALL] = [17, 3, 3];
const [SOL_SOCKET, SO_ATTACH_FILTER] = [1, 26];
const [SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING] = [263, 6, 23];
const LONGEST = 1514;
/** Code, jump if true, jump if false, operand: the length; more than the longest; take one byte; take nothing. */
const FILTER = [
  [0x80, 0, 0, 0],
  [0x25, 0, 1, LONGEST],
  [0x06, 0, 0, 1],
  [0x06, 0, 0, 0],
] as const;

const io = loadPacketIo();
const memory = createMemory(1);
const [program, filter, scratch] = [memory.reserve(16), memory.reserve(8 * FILTER.length), memory.reserve(32)];

function must(result: number, what: string): number {
  if (result < 0) throw new Error(`${what}: errno ${io.errno()}`);
  return result;
}

function listen(device: string): number {
  const { base, view } = memory;
  const fd = must(io.socket(AF_PACKET, SOCK_RAW, 0), 'packet socket');
  FILTER.forEach(([code, jumpTrue, jumpFalse, operand], i) => {
    view.setUint16(filter + 8 * i, code, true);
    view.setUint8(filter + 8 * i + 2, jumpTrue);
    view.setUint8(filter + 8 * i + 3, jumpFalse);
    view.setUint32(filter + 8 * i + 4, operand, true);
  });
  view.setUint16(program, FILTER.length, true);
  setPointer(view, program + 8, base + filter);
  must(io.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, base + program, 16), 'filter');
  view.setInt32(scratch, 1, true);
  must(io.setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, base + scratch, 4), 'incoming only');
  // struct sockaddr_ll
  memory.bytes.fill(0, scratch, scratch + 20);
  view.setUint16(scratch, AF_PACKET, true);
  view.setUint16(scratch + 2, ETH_P_ALL);
  view.setInt32(scratch + 4, libc().ifIndex(device), true);
  must(io.bind(fd, base + scratch, 20), `bind to ${device}`);
  return fd;
}

/** Frames that were longer than `LONGEST` since the last question: reading the kernel's count sets it to 0. */
function bigFrames(fd: number): number {
  memory.view.setUint32(scratch + 8, 8, true);
  must(
    io.getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, memory.base + scratch, memory.base + scratch + 8),
    'statistics',
  );
  return memory.view.getUint32(scratch, true);
}

async function main(): Promise<void> {
  const [device = ''] = process.argv.slice(2);
  const line = new RegExp(`^\\s*${device}:\\s*\\d+\\s+(\\d+)`, 'm');
  const received = (): number => Number(line.exec(readFileSync('/proc/net/dev', 'latin1'))?.[1]);
  const [fd, before] = [listen(device), received()];
  let big = 0;
  console.log('"ready"');
  for await (const _ of createInterface({ input: process.stdin })) {
    big += bigFrames(fd);
    console.log(JSON.stringify({ all: received() - before, big }));
  }
  process.exit(0);
}

await main();
