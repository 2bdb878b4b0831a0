/**
 * liveness/ asks every peer now and then, through the overlay, whether packets pass and how long they take: by ICMP echo, which the kernel of
 * a real flanneld node answers too. It knows addresses and times; it must not know where peers come from or what becomes of the figures.
 */
import type { Clock } from '../model/clock.ts';
import type { PeerLiveness } from '../model/report.ts';
import { decode, encode } from './message.ts';
import { createPeerRecord, type PeerRecord } from './peer.ts';

/** Sends and receives packets; see sys/echo-socket.ts. */
export interface EchoPort {
  send(to: number, packet: Uint8Array): boolean;
  receive(): { readonly packet: Uint8Array; readonly at: bigint } | undefined;
  now(): bigint;
  close(): void;
}

/** Whom to ask: an address (a number) in its subnet, or where no device has one, of its underlay. */
export interface Target {
  readonly address: number;
  readonly subnet: number;
  readonly length: number;
}

export interface LivenessOptions {
  readonly port: EchoPort;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Between two requests to one peer. */
  readonly everyMs: number;
  /** Our own subnet, as the message carries it. */
  readonly self: () => Pick<Target, 'subnet' | 'length'>;
  /** The peers of now, by the key of their lease. */
  readonly peers: () => ReadonlyMap<string, Target>;
}

export interface Liveness {
  /** By the key of the lease. */
  figures(): ReadonlyMap<string, PeerLiveness>;
  close(): void;
}

/** How often the socket is read and somebody may be due. */
const STEP_MS = 500;
/** However many peers there are: no more requests than this in a step, and no more packets read. */
const MAX_SENT = 100;
const MAX_READ = 2_000;

interface Peer {
  readonly target: Target;
  readonly record: PeerRecord;
  dueAt: number;
}

const isSame = (a: Target, b: Target): boolean =>
  a.address === b.address && a.subnet === b.subnet && a.length === b.length;

/** A random number of so many bits. */
const bits = (random: () => number, count: number): bigint => BigInt(Math.floor(random() * 2 ** count));

/** The peers of now, and what is known of each. */
function createPeers(targetsNow: LivenessOptions['peers']) {
  const peers = new Map<string, Peer>();
  const byAddress = new Map<number, Peer>();
  return {
    peers,
    byAddress,
    follow(now: number): void {
      const targets = targetsNow();
      for (const [key, { target }] of peers) {
        const next = targets.get(key);
        if (next && isSame(next, target)) continue;
        peers.delete(key);
        byAddress.delete(target.address);
      }
      for (const [key, target] of targets) {
        if (peers.has(key)) continue;
        const peer = { target, record: createPeerRecord(), dueAt: now };
        peers.set(key, peer);
        byAddress.set(target.address, peer);
      }
    },
    /** Those to be asked now, who waits longest first. */
    due(now: number): readonly Peer[] {
      const due = [...peers.values()].filter(({ dueAt }) => dueAt <= now);
      return due.sort((a, b) => a.dueAt - b.dueAt).slice(0, MAX_SENT);
    },
  };
}

/** Asks until it is closed. */
export function startLiveness(options: LivenessOptions): Liveness {
  const { port, clock, random, everyMs } = options;
  const nonce = (bits(random, 32) << 32n) | bits(random, 32);
  const id = Number(bits(random, 16));
  const { peers, byAddress, follow, due } = createPeers(options.peers);
  let sequence = 0;

  function read(now: number): void {
    for (let count = 0; count < MAX_READ; count++) {
      const arrived = port.receive();
      if (!arrived) return;
      const message = decode(arrived.packet);
      const peer = message && byAddress.get(message.from);
      if (!peer) continue;
      if (message.kind === 'request') {
        if (message.subnet === peer.target.subnet) peer.record.heard(message.hears, now);
      } else if (message.nonce === nonce) {
        const rtt = Number(arrived.at - message.sentAt) / 1000;
        peer.record.answered(message.sequence, Math.max(0, rtt));
      }
    }
  }

  function ask(now: number): void {
    for (const peer of due(now)) {
      sequence = (sequence + 1) & 0xffff;
      // Spread, so that a cluster started at once does not ask at once.
      peer.dueAt = now + everyMs * (0.9 + 0.2 * random());
      const { record, target } = peer;
      record.asked(sequence, now);
      const hears = record.hears(now, everyMs);
      port.send(target.address, encode({ ...options.self(), hears, nonce, sequence, sentAt: port.now() }, id));
    }
  }

  let cancel = (): void => undefined;
  function step(): void {
    const now = clock.now();
    follow(now);
    read(now);
    ask(now);
    cancel = clock.after(STEP_MS, step);
  }
  cancel = clock.after(0, step);
  return {
    figures() {
      const now = clock.now();
      read(now);
      return new Map([...peers].map(([key, { record }]) => [key, record.figures(now, everyMs)]));
    },
    close() {
      cancel();
      port.close();
    },
  };
}
