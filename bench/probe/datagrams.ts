/** Packets into the udp backend's device, and the datagrams that come of them on the peers' side. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { now } from '../stats.ts';

const PORT = 8285;
const INNER_DESTINATION = 16;

/** Takes the peers' datagrams (raw IPv4 inside); knows when each inner destination was first seen. */
export async function receiver(): Promise<{ seen(destinations: readonly string[]): Promise<number[]> }> {
  const first = new Map<string, number>();
  let heard: (() => void)[] = [];
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  socket.on('message', (message) => {
    const at = now();
    const destination = [...message.subarray(INNER_DESTINATION, INNER_DESTINATION + 4)].join('.');
    if (first.has(destination)) return;
    first.set(destination, at);
    const waiting = heard;
    heard = [];
    for (const wake of waiting) wake();
  });
  socket.bind(PORT, '0.0.0.0');
  await once(socket, 'listening');
  return {
    async seen(destinations) {
      while (!destinations.every((one) => first.has(one))) await new Promise<void>((resolve) => heard.push(resolve));
      return destinations.map((one) => first.get(one) ?? Number.NaN);
    },
  };
}

/** Each millisecond sends a small packet to the next `each` of the destinations, until the function it returns is called. */
export async function sender(destinations: readonly string[], each: number): Promise<() => void> {
  const socket = createSocket('udp4');
  // Where there is no route yet, or the daemon says unreachable, the next round tries again.
  socket.on('error', () => undefined);
  socket.bind(0);
  await once(socket, 'listening');
  const payload = Buffer.from('probe');
  let next = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < each; i++)
      socket.send(payload, 9, destinations[next++ % destinations.length] ?? '', () => undefined);
  }, 1);
  return () => {
    clearInterval(timer);
    socket.close();
  };
}
