import { networkInterfaces } from 'node:os';
import { carrierFor } from '../backend/desired.ts';
import { DEVICE } from '../backend/udp.ts';
import { askIfRunning } from '../control/client.ts';
import { readCached } from '../daemon/cached.ts';
import { diskOf } from '../daemon/disk.ts';
import type { NodeOptions } from '../daemon/options.ts';
import { readNodeState } from '../files/node-state.ts';
import { leftCarriers } from '../forwarder/ebpf/left.ts';
import { type Spare, spareThread } from '../forwarder/thread.ts';
import { type ForwardingKernel, type NodeWish, underlay } from './node.ts';
import { observeInterfaces } from './scene.ts';

/** A thread for the carrier, where a former daemon has left a device that waits for one. */
export const threadForLeft = (): Spare | undefined => (networkInterfaces()[DEVICE] ? spareThread() : undefined);

/** Where a restarted daemon finds what it knew. */
export interface CarryOn {
  readonly options: NodeOptions;
  readonly wish: NodeWish;
  /** Of flannel's keys in etcd. */
  readonly prefix: string;
}

/** What carried before the restart, as the view on disk has it. */
async function carriedBefore({ kernel }: ForwardingKernel, { options, wish, prefix }: CarryOn) {
  const state = await readNodeState(options.stateDir);
  const cached = await readCached(state, { disk: diskOf(options), prefix }, () => undefined);
  if (cached?.network.backend.type !== 'udp') return undefined;
  const { network, held, peers } = cached;
  const { choose: _, ...silent } = wish;
  const iface = await underlay(kernel, silent);
  const host = { ...silent, nodeId: state.nodeId, iface, publicIp: wish.publicIp ?? iface.ip };
  return carrierFor({ self: { subnet: held.subnet }, host, network }, peers);
}

/**
 * Carrier tun is gone with the daemon: where the device of the former one is still there, packets go on between the nodes it knew, while
 * etcd is asked and the rest is loaded. The first pass of the reconciler puts right what has changed. Programs of carrier ebpf go on by
 * themselves, with a table that may be newer than the disk. Whatever is in the way is told when the carrier is started in earnest.
 */
export async function carryOn(local: ForwardingKernel, from: CarryOn): Promise<void> {
  try {
    if (await askIfRunning(from.options.runDir, 'ping')) return;
    const before = await carriedBefore(local, from);
    if (!before || leftCarriers().running()) return;
    const links = await observeInterfaces(local.kernel);
    // Attaching takes any device of the name, whoever has made it.
    if (links.get(`link/${before.carrier.device}`)?.ours !== true) return;
    local.forwarder.setForwards(before.forwards);
    await local.forwarder.start(before.carrier);
  } catch {
    // The first pass meets it again.
  }
}
