import { setTimeout as sleep } from 'node:timers/promises';
import type { EchoFigures } from '../model/connectivity.ts';
import type { EchoPort } from './liveness.ts';
import { decode, encode, MESSAGE_BYTES } from './message.ts';

const IP_HEADER = 20;
/** The smallest request, IPv4 header and all. */
export const LEAST_BYTES = IP_HEADER + MESSAGE_BYTES;
/** How long the last answers are waited for. */
const PATIENCE_MS = 1_000;
/** Between two looks at the socket; times of arrival are the kernel's. */
const LOOK_MS = 2;

/** Requests to one address. */
export interface EchoWish {
  /** IPv4, as a number. */
  readonly address: number;
  readonly count: number;
  /** Between two requests; may be a fraction. */
  readonly everyMs: number;
  /** Of each packet, IPv4 header and all. */
  readonly bytes?: number;
}

/** Told of each answer. */
export type OnAnswer = (sequence: number, rttMicros: number) => void;

/** Takes what has arrived of these: round trips by sequence number. */
function collect(
  port: EchoPort,
  of: { from: number; nonce: bigint },
  times: Map<number, number>,
  onAnswer: OnAnswer,
): void {
  for (let arrived = port.receive(); arrived; arrived = port.receive()) {
    const message = decode(arrived.packet);
    if (message?.kind !== 'reply' || message.from !== of.from || message.nonce !== of.nonce) continue;
    if (times.has(message.sequence)) continue;
    const micros = Math.max(0, Number(arrived.at - message.sentAt) / 1000);
    times.set(message.sequence, micros);
    onAnswer(message.sequence, micros);
  }
}

/** Sends the requests and waits for the answers, a second after the last one at most. */
export async function echo(port: EchoPort, wish: EchoWish, onAnswer: OnAnswer = () => undefined): Promise<EchoFigures> {
  const { address, count, everyMs, bytes = LEAST_BYTES } = wish;
  const nonce = port.now();
  const times = new Map<number, number>();
  const begun = performance.now();
  const look = () => collect(port, { from: address, nonce }, times, onAnswer);
  for (let sent = 0; sent < count; await sleep(Math.min(LOOK_MS, everyMs))) {
    for (; sent < count && sent * everyMs <= performance.now() - begun; sent++) {
      const message = { subnet: 0, length: 0, hears: false, nonce, sequence: sent, sentAt: port.now() };
      port.send(address, encode(message, 1, bytes - IP_HEADER));
    }
    look();
  }
  const end = performance.now() + PATIENCE_MS;
  for (look(); times.size < count && performance.now() < end; look()) await sleep(LOOK_MS);
  const sorted = [...times.values()].sort((a, b) => a - b);
  const [median, worst] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  return {
    ...{ bytes, sent: count, received: times.size },
    ...(median !== undefined && worst !== undefined && { rttMicros: median, worstMicros: worst }),
  };
}

const TRIES = 3;

/** Whether a packet of this size comes through. */
const passes = async (port: EchoPort, address: number, bytes: number): Promise<boolean> =>
  (await echo(port, { address, count: TRIES, everyMs: 1, bytes })).received > 0;

/** The largest packet up to `mtu` that comes through whole, on a port that does not fragment; `undefined`: not even a small one. */
export async function largest(port: EchoPort, address: number, mtu: number): Promise<number | undefined> {
  if (await passes(port, address, mtu)) return mtu;
  if (!(await passes(port, address, LEAST_BYTES))) return undefined;
  let [good, bad] = [LEAST_BYTES, mtu];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (await passes(port, address, middle)) good = middle;
    else bad = middle;
  }
  // What was lost at first may have been an accident: a narrow path is narrow a second time.
  return (await passes(port, address, mtu)) ? mtu : good;
}
