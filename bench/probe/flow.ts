/**
 * A steady flow of numbered datagrams between two containers. Started with `send IP [RATE]` (packets a millisecond) or `receive`; asked by lines: the sender `count`
 * (sent so far) and `stop`, the receiver `count` (distinct ones received) and `gap` (the longest pause since it was last asked, when it
 * began and when it ended).
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { now } from '../stats.ts';

const PORT = 9000;

type Asked = Readonly<Record<string, () => unknown>>;

async function sender(to: string, rate: number): Promise<Asked> {
  const socket = createSocket('udp4');
  socket.bind(0);
  await once(socket, 'listening');
  const began = now();
  let sent = 0;
  const timer = setInterval(() => {
    for (const due = (now() - began) * rate; sent < due; sent++) {
      const payload = Buffer.alloc(64);
      payload.writeUInt32BE(sent);
      socket.send(payload, PORT, to, () => undefined);
    }
  }, 1);
  return {
    count: () => sent,
    stop: () => {
      clearInterval(timer);
      return sent;
    },
  };
}

async function receiver(): Promise<Asked> {
  const seen = new Set<number>();
  let last = now();
  let longest = { ms: 0, from: last, to: last };
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  socket.on('message', (message) => {
    const at = now();
    if (at - last > longest.ms) longest = { ms: at - last, from: last, to: at };
    last = at;
    seen.add(message.readUInt32BE(0));
  });
  socket.bind(PORT, '0.0.0.0');
  await once(socket, 'listening');
  return {
    count: () => seen.size,
    gap: () => {
      const gap = longest;
      longest = { ms: 0, from: last, to: last };
      return gap;
    },
  };
}

async function main(): Promise<void> {
  const [role, to = '', rate = '1'] = process.argv.slice(2);
  const asked = role === 'send' ? await sender(to, Number(rate)) : await receiver();
  console.log('"ready"');
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(asked[line]?.() ?? null));
  }
  process.exit(0);
}

await main();
