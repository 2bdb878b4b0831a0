/**
 * Throws datagrams at one address, as many a second as it is told or as this machine can make. argv: address, port, how many a second, for
 * how many milliseconds; then the payloads in hexadecimal digits, which are sent in turn. Prints how many it sent.
 */
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from './chaos.ts';

/** More at once would only fill the socket's queue. */
const MOST_AT_ONCE = 400;

async function main(): Promise<void> {
  const [ip = '', port, rate, ms, ...hex] = process.argv.slice(2);
  const payloads = hex.map((text) => Buffer.from(text, 'hex'));
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  const begun = now();
  let sent = 0;
  for (let at = begun; at < begun + Number(ms); at = now()) {
    const due = Math.floor(((at - begun) * Number(rate)) / 1000) - sent;
    for (let i = Math.min(due, MOST_AT_ONCE); i > 0; i--)
      socket.send(payloads[sent++ % payloads.length] ?? '', Number(port), ip, () => undefined);
    await sleep(1);
  }
  console.log(sent);
  socket.close();
}

await main();
