/**
 * Sends and receives UDP inside a namespace. Lines: `echo IP PORT` (sends back what comes, counts it), `count` (datagrams the echo saw),
 * `exchange IP PORT SIZE…` (sends one datagram of each size to an echo; says which sizes did not come back whole),
 * `send IP PORT FROM HEX…` (sends these payloads from the address FROM).
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

let seen = 0;

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

const payload = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + size) & 255));

/** One at a time: a lost one is told from a late one by its content. */
async function exchange(ip: string, port: number, sizes: readonly number[]): Promise<number[]> {
  const socket = await bound('0.0.0.0', 0);
  const lost: number[] = [];
  for (const size of sizes) {
    const message = payload(size);
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), 500);
    const answer = once(socket, 'message', { signal: controller.signal }) as Promise<[Buffer]>;
    socket.send(message, port, ip);
    const whole = await answer.then(([back]) => back.equals(message)).catch(() => false);
    clearTimeout(timer);
    if (!whole) lost.push(size);
  }
  socket.close();
  return lost;
}

async function send(to: [ip: string, port: number], from: string, payloads: readonly string[]): Promise<number> {
  const socket = await bound(from, 0);
  for (const hex of payloads) {
    await new Promise((resolve) => socket.send(Buffer.from(hex, 'hex'), to[1], to[0], resolve));
  }
  socket.close();
  return payloads.length;
}

async function answer(line: string): Promise<unknown> {
  const [verb = '', ip = '', port = '', ...rest] = line.split(' ');
  if (verb === 'echo') return echo(ip, Number(port));
  if (verb === 'count') return seen;
  if (verb === 'exchange') return exchange(ip, Number(port), rest.map(Number));
  if (verb === 'send') return send([ip, Number(port)], rest[0]!, rest.slice(1));
  throw new Error(`unknown line ${line}`);
}

async function main(): Promise<void> {
  console.log('"ready"');
  for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await answer(line)));
  process.exit(0);
}

await main();
