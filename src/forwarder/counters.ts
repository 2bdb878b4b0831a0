import type { Prefix } from '../model/address.ts';
import { DROP_REASONS, type DropReason, type ForwarderCounters, type PeerTraffic } from '../model/carrier-report.ts';
import { NOBODY } from './table.ts';

/**
 * Counters in shared memory: the worker alone adds, anyone may read. Doubles count exactly to 2^53 and are read whole; a BigInt would be
 * allocated for each packet.
 */
export interface Counters {
  sent(peer: number, packets: number, bytes: number): void;
  received(peer: number, packets: number, bytes: number): void;
  /** `reason` is a DROP number (below zero). */
  dropped(reason: number, packets: number): void;
  /** A packet in the name of this peer came from elsewhere. */
  refused(peer: number, outer: number): void;
}

const SENT = 0;
const RECEIVED = 2;
const DROPS = 4;
/** Six numbers a peer: packets and bytes sent, packets and bytes received, packets refused and where the last of them came from. */
const PEERS = DROPS + DROP_REASONS.length;
const REFUSED = 4;
const PER_PEER = 6;

export const createSharedCounters = (): SharedArrayBuffer =>
  new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT * (PEERS + PER_PEER * (NOBODY + 1)));

/** The worker's side. */
export function countInto(buffer: SharedArrayBuffer): Counters {
  const values = new Float64Array(buffer);
  const add = (at: number, packets: number, bytes: number): void => {
    values[at]! += packets;
    values[at + 1]! += bytes;
  };
  return {
    sent(peer, packets, bytes) {
      add(SENT, packets, bytes);
      add(PEERS + PER_PEER * peer + SENT, packets, bytes);
    },
    received(peer, packets, bytes) {
      add(RECEIVED, packets, bytes);
      add(PEERS + PER_PEER * peer + RECEIVED, packets, bytes);
    },
    dropped(reason, packets) {
      values[DROPS + ~reason]! += packets;
    },
    refused(peer, outer) {
      const at = PEERS + PER_PEER * peer + REFUSED;
      values[at]! += 1;
      values[at + 1] = outer;
    },
  };
}

const traffic = (values: Float64Array, at: number) => ({ packets: values[at]!, bytes: values[at + 1]! });

/** Sets the counters of a peer to 0, before another takes its index. */
export function clearPeer(buffer: SharedArrayBuffer, peer: number): void {
  new Float64Array(buffer).fill(0, PEERS + PER_PEER * peer, PEERS + PER_PEER * (peer + 1));
}

function peerTraffic(values: Float64Array, subnet: Prefix, at: number): PeerTraffic {
  const [refused, from] = [values[at + REFUSED]!, values[at + REFUSED + 1]!];
  return {
    subnet,
    sent: traffic(values, at + SENT),
    received: traffic(values, at + RECEIVED),
    refused,
    ...(refused > 0 && { refusedFrom: { family: 4, value: BigInt(from) } }),
  };
}

/** What has been counted so far, for the node and for these peers. */
export function readCounters(
  buffer: SharedArrayBuffer,
  peers: readonly { readonly subnet: Prefix; readonly index: number }[],
): ForwarderCounters {
  const values = new Float64Array(buffer);
  return {
    sent: traffic(values, SENT),
    received: traffic(values, RECEIVED),
    drops: Object.fromEntries(DROP_REASONS.map((reason, i) => [reason, values[DROPS + i]!])) as Record<
      DropReason,
      number
    >,
    peers: peers.map(({ subnet, index }) => peerTraffic(values, subnet, PEERS + PER_PEER * index)),
  };
}
