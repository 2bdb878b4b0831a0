/**
 * Sends and receives inside a namespace. Lines: `echo IP PORT` (UDP: sends back what comes, counts it), `count` (datagrams the echo saw),
 * `exchange IP PORT SIZE…` (one datagram of each size to an echo; says which sizes did not come back whole),
 * `burst IP PORT SIZE COUNT` (so many at once, cut by the kernel from one message; says whether all came back),
 * `stream IP PORT RATE MS` (UDP at so many a second for so long; says how many),
 * `send IP PORT FROM HEX…` (these payloads from the address FROM),
 * `programs DEVICE` (how many BPF programs tcx runs there),
 * `digest IP PORT` (TCP: answers each connection with the SHA-256 of what came), `transfer IP PORT BYTES` (sends so much; says whether it arrived).
 */
import { createHash, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { parseIp4 } from '../../src/model/address.ts';
import { type BpfCommand, tryBpf } from '../../src/sys/bpf.ts';
import { TCX } from '../../src/sys/bpf-program.ts';
import { libc } from '../../src/sys/libc.ts';
import { createMemory } from '../../src/sys/memory.ts';
import { writeSockaddr } from '../../src/sys/messages.ts';
import { loadPacketIo } from '../../src/sys/packet-io.ts';
import { AF_INET, createIntOptions, SO_RCVBUFFORCE, SOCK_DGRAM, UDP_SEGMENT } from '../../src/sys/socket.ts';

let seen = 0;

/** What has not come by then will not: a busy machine may keep who answers from running for seconds. */
const LOST_MS = 15_000;

async function bound(ip: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 });
  socket.on('error', () => {});
  socket.bind(port, ip);
  await once(socket, 'listening');
  return socket;
}

async function echo(ip: string, port: number): Promise<string> {
  const socket = await bound(ip, port);
  socket.on('message', (message, from) => {
    seen += 1;
    socket.send(message, from.port, from.address);
  });
  return 'listening';
}

const payload = (size: number, seed = size): Buffer =>
  Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + seed) & 255));

/** Datagrams that come until there are `count`, or none is to be waited for any more. */
async function collect(socket: Socket, count: number): Promise<Buffer[]> {
  const came: Buffer[] = [];
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), LOST_MS);
  socket.on('message', (message) => {
    came.push(message);
    if (came.length === count) controller.abort();
  });
  await once(controller.signal, 'abort');
  clearTimeout(timer);
  socket.removeAllListeners('message');
  return came;
}

/** One at a time: a lost one is told from a late one by its content. */
async function exchange(ip: string, port: number, sizes: readonly number[]): Promise<number[]> {
  const socket = await bound('0.0.0.0', 0);
  const lost: number[] = [];
  for (const size of sizes) {
    const message = payload(size);
    const back = collect(socket, 1);
    socket.send(message, port, ip);
    if (!(await back)[0]?.equals(message)) lost.push(size);
  }
  socket.close();
  return lost;
}

/** One message that the kernel cuts into datagrams of `size`, as applications with UDP_SEGMENT send; all must come back. */
function burst(to: [ip: string, port: number], size: number, count: number): boolean {
  const message = payload(size * count, 3);
  const io = loadPacketIo();
  const memory = createMemory(1 << 17);
  const at = memory.reserve(2 * message.length + size);
  const peer = memory.reserve(16);
  const pollfd = memory.reserve(8);
  const fd = io.socket(AF_INET, SOCK_DGRAM, 0);
  const options = createIntOptions(io, memory);
  options.set(fd, UDP_SEGMENT, size);
  // All of it may be there before we run again.
  options.set(fd, SO_RCVBUFFORCE, 1 << 22);
  memory.bytes.set(message, at);
  writeSockaddr(memory.view, peer, Number(parseIp4(to[0])!.value), to[1]);
  memory.view.setInt32(pollfd, fd, true);
  memory.view.setInt16(pollfd + 4, 1, true);
  io.sendto(fd, memory.base + at, message.length, 0, memory.base + peer, 16);
  const back = at + message.length;
  let got = 0;
  while (got < message.length && io.poll(memory.base + pollfd, 1, LOST_MS) > 0) {
    got += io.read(fd, memory.base + back + got, size);
  }
  io.close(fd);
  // UDP promises no order, and the echo's answers may leave by several CPUs.
  const parts = (bytes: Uint8Array): string[] =>
    Array.from({ length: count }, (_, i) =>
      Buffer.from(bytes.subarray(i * size, (i + 1) * size)).toString('hex'),
    ).sort();
  return parts(memory.bytes.subarray(back, back + got)).join() === parts(message).join();
}

/** Datagrams at a fixed rate; what a tick came late for is caught up. Resolves to how many were sent. */
async function stream(to: [ip: string, port: number], rate: number, ms: number): Promise<number> {
  const socket = await bound('0.0.0.0', 0);
  const message = payload(64);
  const begun = performance.now();
  let sent = 0;
  for (let now = 0; now < ms; now = performance.now() - begun) {
    for (; sent < (now * rate) / 1000; sent++) socket.send(message, to[1], to[0]);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise((resolve) => socket.send(message, to[1], to[0], resolve));
  socket.close();
  return sent + 1;
}

/** Answers each connection with the digest of all it sent. */
async function digest(ip: string, port: number): Promise<string> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const hash = createHash('sha256');
    socket.on('data', (data) => hash.update(data));
    socket.on('end', () => socket.end(hash.digest('hex')));
    socket.on('error', () => {});
  });
  server.listen(port, ip);
  await once(server, 'listening');
  return 'listening';
}

/** Whether that many bytes arrive as they were sent. */
async function transfer(ip: string, port: number, bytes: number): Promise<boolean> {
  const data = randomBytes(bytes);
  const socket = connect({ host: ip, port, allowHalfOpen: true });
  socket.end(data);
  const answer: Buffer[] = [];
  for await (const part of socket) answer.push(part as Buffer);
  return Buffer.concat(answer).toString() === createHash('sha256').update(data).digest('hex');
}

async function send(to: [ip: string, port: number], from: string, payloads: readonly string[]): Promise<number> {
  const socket = await bound(from, 0);
  for (const hex of payloads) {
    await new Promise((resolve) => socket.send(Buffer.from(hex, 'hex'), to[1], to[0], resolve));
  }
  socket.close();
  return payloads.length;
}

/** BPF_PROG_QUERY: `attr.query` with room for no program answers by their number. */
function programsAt(device: string): number {
  const PROG_QUERY = 16 as BpfCommand;
  const counts = Object.values(TCX).map((place) => {
    const attributes = Buffer.alloc(64);
    attributes.writeUInt32LE(libc().ifIndex(device), 0);
    attributes.writeUInt32LE(place, 4);
    return tryBpf(PROG_QUERY, attributes) < 0 ? 0 : attributes.readUInt32LE(24);
  });
  return counts.reduce((sum, count) => sum + count);
}

async function answer(line: string): Promise<unknown> {
  const [verb = '', ip = '', port = '', ...rest] = line.split(' ');
  const numbers = rest.map(Number);
  if (verb === 'echo') return echo(ip, Number(port));
  if (verb === 'count') return seen;
  if (verb === 'exchange') return exchange(ip, Number(port), numbers);
  if (verb === 'burst') return burst([ip, Number(port)], numbers[0]!, numbers[1]!);
  if (verb === 'stream') return stream([ip, Number(port)], numbers[0]!, numbers[1]!);
  if (verb === 'send') return send([ip, Number(port)], rest[0]!, rest.slice(1));
  if (verb === 'programs') return programsAt(ip);
  if (verb === 'digest') return digest(ip, Number(port));
  if (verb === 'transfer') return transfer(ip, Number(port), numbers[0]!);
  throw new Error(`unknown line ${line}`);
}

async function main(): Promise<void> {
  console.log('"ready"');
  for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await answer(line)));
  process.exit(0);
}

await main();
