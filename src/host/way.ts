import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { echo, largest } from '../liveness/echo.ts';
import type { PortAnswer, WayFigures } from '../model/connectivity.ts';
import { type EchoSocketOptions, openEchoSocket } from '../sys/echo-socket.ts';

/** A way to measure, from where the calling thread is. */
export interface WayWish {
  /** IPv4, as a number, and in words. */
  readonly address: number;
  readonly host: string;
  /** Of the device that packets leave by. */
  readonly mtu: number;
  /** Packets a second, and for how long; 0 leaves it out. */
  readonly loadRate: number;
  readonly loadSeconds: number;
}

const PINGS = { count: 20, everyMs: 10 } as const;
const PORT_MS = 2_000;
/** A port that nobody has: the discard service's. */
const CLOSED_PORT = 9;

function tcpAnswer(host: string): Promise<PortAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: CLOSED_PORT, timeout: PORT_MS });
    const end = (answer: PortAnswer): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end('open'));
    socket.once('timeout', () => end('silent'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(code === 'ECONNREFUSED' ? 'refused' : 'silent'));
  });
}

/** Kernels say so only so often, and the first packet may be lost. */
const AGAIN_MS = 400;

/** The kernel answers to a port nobody has by an ICMP error, which a connected socket hears of. */
function udpAnswer(host: string): Promise<PortAnswer> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    let again: NodeJS.Timeout | undefined;
    let isOver = false;
    const end = (answer: PortAnswer): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      clearInterval(again);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end('silent'), PORT_MS);
    socket.on('error', () => end('refused'));
    socket.once('message', () => end('open'));
    socket.connect(CLOSED_PORT, host, () => {
      if (isOver) return;
      socket.send('tsflannel');
      again = setInterval(() => socket.send('tsflannel'), AGAIN_MS);
    });
  });
}

const ROOM = 16 << 20;

/** Calls `use` with an echo socket, which is closed after it. Throws NOT_ROOT, KERNEL_REFUSED. */
export async function withEcho<T>(
  options: EchoSocketOptions,
  use: (port: ReturnType<typeof openEchoSocket>) => Promise<T>,
): Promise<T> {
  const port = openEchoSocket({ ...options, room: ROOM });
  try {
    return await use(port);
  } finally {
    port.close();
  }
}

/** A few requests to one address. */
export const pings = (address: number) => withEcho({}, (port) => echo(port, { address, ...PINGS }));

/** What is worth measuring only where pings are answered. */
async function more({ address, host, mtu, loadRate, loadSeconds }: WayWish): Promise<Partial<WayFigures>> {
  const largestPacket = await withEcho({ whole: true }, (port) => largest(port, address, mtu));
  const [tcp, udp] = await Promise.all([tcpAnswer(host), udpAnswer(host)]);
  const wish = { address, count: loadRate * loadSeconds, everyMs: 1000 / loadRate, bytes: Math.min(1400, mtu) };
  const load = loadRate * loadSeconds > 0 ? await withEcho({}, (port) => echo(port, wish)) : undefined;
  return { tcp, udp, ...(largestPacket !== undefined && { largest: largestPacket }), ...(load && { load }) };
}

/** Pings, the largest packet, TCP, UDP, loss under load. Throws NOT_ROOT, KERNEL_REFUSED. */
export async function measureWay(wish: WayWish): Promise<WayFigures> {
  const overlay = await pings(wish.address);
  return { overlay, mtu: wish.mtu, ...(overlay.received > 0 && (await more(wish))) };
}
