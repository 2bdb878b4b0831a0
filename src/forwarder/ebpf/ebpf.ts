/**
 * forwarder/ebpf/ knows the carrier `ebpf`: programs in the kernel move the packets (bpf/carrier.c), and what they cannot do they leave to a
 * slow path, a carrier `tun` that runs beside them. Programs, maps and table are pinned: they go on without the daemon, and the next one
 * takes them over. It knows maps, links and pins, and what differs between kernels; it must not know leases, nor packets: what may pass
 * is decided in bpf/.
 */
import type { Forward } from '../../kernel/state.ts';
import type { Prefix } from '../../model/address.ts';
import { DROP_REASONS, type ForwarderCounters, type PeerTraffic, type Traffic } from '../../model/carrier-report.ts';
import type { Forwarder } from '../forwarder.ts';
import { sameCarrier } from '../tun.ts';
import { MANNERS, type Manner } from './attach.ts';
import { type FastPath, openFastPath, removeFastPath } from './fast.ts';

export interface EbpfOptions {
  /** Runs on the same device and port, with the same table. Its socket must not join datagrams: the programs see them after that. */
  readonly slowPath: Forwarder;
  /** How programs may be held; the first that works is taken. */
  readonly manners?: readonly Manner[];
}

const sum = (a: Traffic, b: Traffic): Traffic => ({ packets: a.packets + b.packets, bytes: a.bytes + b.bytes });

function sumPeer(a: PeerTraffic, b: PeerTraffic | undefined): PeerTraffic {
  if (!b) return a;
  const refusedFrom = b.refusedFrom ?? a.refusedFrom;
  return {
    subnet: a.subnet,
    sent: sum(a.sent, b.sent),
    received: sum(a.received, b.received),
    refused: a.refused + b.refused,
    ...(refusedFrom && { refusedFrom }),
  };
}

const keyOf = ({ address, length }: Prefix): number => Number(address) * 64 + length;

/** What programs and slow path have counted together. */
function sumCounters(fast: ForwarderCounters, slow: ForwarderCounters | undefined): ForwarderCounters {
  if (!slow) return fast;
  const drops = Object.fromEntries(DROP_REASONS.map((reason) => [reason, fast.drops[reason] + slow.drops[reason]]));
  const slowPeers = new Map(slow.peers.map((peer) => [keyOf(peer.subnet), peer]));
  return {
    sent: sum(fast.sent, slow.sent),
    received: sum(fast.received, slow.received),
    drops: drops as ForwarderCounters['drops'],
    peers: fast.peers.map((peer) => sumPeer(peer, slowPeers.get(keyOf(peer.subnet)))),
  };
}

const howOf = ({ manner, carrier }: FastPath): string =>
  `programs held by ${manner}, a thread for the rest${carrier.directDelivery ? '; past the filters of this host' : ''}`;

export function ebpfForwarder({ slowPath, manners = MANNERS }: EbpfOptions): Forwarder {
  let fast: FastPath | undefined;
  let list: readonly Forward[] | undefined;

  return {
    async start(carrier) {
      await slowPath.start(carrier);
      if (fast && sameCarrier(fast.carrier, carrier) && fast.isWhole()) return;
      const before = fast;
      fast = openFastPath({ carrier, forwards: list, manners });
      before?.close();
    },
    setForwards(forwards) {
      list = forwards;
      slowPath.setForwards(forwards);
      fast?.setForwards(forwards);
    },
    running() {
      const slow = slowPath.running();
      if (!fast || !slow || !fast.isWhole()) return undefined;
      return { carrier: { ...fast.carrier, type: 'ebpf' }, forwards: slow.forwards };
    },
    // The programs need the slow path; what takes them away is found by the look.
    onEnd: (listener) => slowPath.onEnd(listener),
    counters: () => fast && sumCounters(fast.counters(), slowPath.counters()),
    report: () => fast && { type: 'ebpf', how: howOf(fast) },
    async stop() {
      const device = fast?.carrier.device;
      fast?.close();
      fast = undefined;
      list = undefined;
      if (device !== undefined) removeFastPath(device);
      await slowPath.stop();
    },
  };
}
