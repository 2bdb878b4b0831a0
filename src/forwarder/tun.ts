import { TsflannelError } from '../errors.ts';
import type { Carrier, Forward } from '../kernel/state.ts';
import { sameIp, samePrefix } from '../model/address.ts';
import { clearPeer, readCounters } from './counters.ts';
import type { Forwarder } from './forwarder.ts';
import { ALL_OFFLOADS, type Offloads } from './job.ts';
import { createPeerIndex } from './peers.ts';
import { rowsOf } from './rows.ts';
import { launch, type Run } from './run.ts';
import { createSharedTable, MAX_ROWS, publishRows } from './table.ts';
import { startThread } from './thread.ts';

export const sameCarrier = (a: Carrier, b: Carrier): boolean =>
  a.device === b.device &&
  a.port === b.port &&
  a.mtu === b.mtu &&
  a.sourceCheck === b.sourceCheck &&
  a.directDelivery === b.directDelivery &&
  sameIp(a.local, b.local) &&
  samePrefix(a.network, b.network) &&
  samePrefix(a.subnet, b.subnet);

/** The offloads in use, in words. */
function howOf(offloads: Offloads): string {
  const names = Object.entries(offloads).flatMap(([name, on]) => (on ? [name] : []));
  return names.length === 0 ? 'a thread, packet by packet' : `a thread, offloads ${names.join(' ')}`;
}

/** Adds a listener; returns what takes it away. */
export function listen(listeners: Set<() => void>, listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Runs actions one after the other: a start must not meet a stop half way. */
export function createTurns(): (action: () => Promise<void>) => Promise<void> {
  let turn: Promise<void> = Promise.resolve();
  return (action) => {
    const result = turn.then(action);
    turn = result.catch(() => {});
    return result;
  };
}

/** The table of a forwarder: kept over a restart of the worker, so that packets go on at once. */
function createForwards() {
  const peers = createPeerIndex();
  let shared = createSharedTable();
  let list: readonly Forward[] = [];
  return {
    shared: () => shared,
    list: () => list,
    peers,
    set(forwards: readonly Forward[], taken: (index: number) => void): void {
      peers.update(forwards, taken);
      const rows = rowsOf(forwards, ({ subnet }) => peers.of(subnet));
      if (rows.length > MAX_ROWS)
        throw new TsflannelError('KERNEL_REFUSED', {
          detail: `forwarding to ${rows.length} subnets`,
          why: `the table holds ${MAX_ROWS}`,
        });
      publishRows(shared, rows);
      list = forwards;
    },
    clear(): void {
      shared = createSharedTable();
      list = [];
    },
  };
}

/**
 * The carrier `tun`: a worker thread between the TUN device and a UDP socket, no kernel module needed. It uses what the kernel has of the
 * offloads in `wanted`.
 */
export function tunForwarder(wanted: Offloads = ALL_OFFLOADS, thread = startThread): Forwarder {
  const forwards = createForwards();
  const listeners = new Set<() => void>();
  let run: Run | undefined;
  const inTurn = createTurns();

  async function end(): Promise<void> {
    const ending = run;
    run = undefined;
    await ending?.end();
  }

  async function start(carrier: Carrier): Promise<void> {
    if (run && sameCarrier(run.carrier, carrier)) return;
    if (run && run.carrier.device !== carrier.device) forwards.clear();
    await end();
    const started = await launch(carrier, forwards.shared(), { offloads: wanted, thread });
    run = started;
    void started.ended.then(() => {
      if (run !== started) return;
      run = undefined;
      for (const listener of listeners) listener();
    });
  }

  return {
    start: (carrier) => inTurn(() => start(carrier)),
    stop: () =>
      inTurn(async () => {
        await end();
        forwards.clear();
      }),
    setForwards: (list) => forwards.set(list, (index) => run && clearPeer(run.counters, index)),
    running: () => run && { carrier: { ...run.carrier, type: 'tun' }, forwards: forwards.list() },
    onEnd: (listener) => listen(listeners, listener),
    report: () => run && { type: 'tun', how: howOf(run.offloads) },
    counters: () =>
      run &&
      readCounters(
        run.counters,
        forwards.list().map(({ subnet }) => ({ subnet, index: forwards.peers.of(subnet) })),
      ),
  };
}
