import { setTimeout as sleep } from 'node:timers/promises';
import type { EchoPort } from './liveness.ts';
import { decode, decodeError, encode } from './message.ts';

/** One request to each of many addresses. */
export interface SweepWish {
  /** IPv4, as numbers. */
  readonly addresses: readonly number[];
  /** Between two requests; may be a fraction. */
  readonly everyMs: number;
  /** How long answers are waited for after the last one. A host takes three seconds to find that an address is nobody's. */
  readonly patienceMs: number;
  /** An answer of one address in each of these groups is enough. */
  readonly enough?: readonly (readonly number[])[];
}

/** An address that answered (with what was left of the time to live), or what a host on the way said of it (an ICMP code). */
export type SweepAnswer = { readonly ttl: number } | { readonly code: number };

const LOOK_MS = 2;

/** Asks every address as often as it is listed; those that nothing was heard of are not in the result. */
export async function sweep(port: EchoPort, wish: SweepWish): Promise<ReadonlyMap<number, SweepAnswer>> {
  const { addresses, everyMs, patienceMs, enough } = wish;
  const nonce = port.now();
  const wanted = new Set(addresses);
  const heard = new Map<number, SweepAnswer>();
  const answers = (address: number): boolean => 'ttl' in (heard.get(address) ?? {});
  const isDone = (): boolean => heard.size === wanted.size || enough?.every((group) => group.some(answers)) === true;
  function look(): void {
    for (let arrived = port.receive(); arrived; arrived = port.receive()) {
      const reply = decode(arrived.packet);
      const error = decodeError(arrived.packet);
      if (reply?.kind === 'reply' && reply.nonce === nonce && wanted.has(reply.from))
        heard.set(reply.from, { ttl: reply.ttl });
      if (error?.nonce === nonce && wanted.has(error.to) && !heard.has(error.to))
        heard.set(error.to, { code: error.code });
    }
  }
  const begun = performance.now();
  for (let sent = 0; sent < addresses.length; await sleep(LOOK_MS)) {
    for (; sent < addresses.length && sent * everyMs <= performance.now() - begun; sent++) {
      const message = { subnet: 0, length: 0, hears: false, nonce, sequence: sent & 0xffff, sentAt: port.now() };
      port.send(addresses[sent] ?? 0, encode(message, 1));
    }
    look();
  }
  const end = performance.now() + patienceMs;
  for (look(); !isDone() && performance.now() < end; look()) await sleep(LOOK_MS);
  return heard;
}
