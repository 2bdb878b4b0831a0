/**
 * daemon/ knows how a node runs: it joins store, lease, reconciler and kernel, answers on the control socket, tells systemd, and ends
 * cleanly, leaving the kernel's state as it is. It must not know what the parts are made of: host/ makes the real ones.
 */
import { clearRunDir, writePid } from '../files/run-dir.ts';
import { begin } from './begin.ts';
import { type Disk, diskOf } from './disk.ts';
import { openDoors } from './doors.ts';
import { rememberEvents } from './events.ts';
import type { Daemon, DaemonParts, Ending, Node } from './node.ts';
import type { NodeOptions } from './options.ts';
import { refuseSecond } from './second.ts';
import { tellSystemd } from './systemd.ts';
import { watchTurns } from './turns.ts';
import { wire } from './wire.ts';

async function close(node: Node): Promise<void> {
  node.holder.close();
  node.paths?.close();
  node.liveness?.close();
  node.follower.close();
  await node.reconciler.close();
  await node.keeper.close();
}

const stopped = ({ stop: { signal } }: Daemon): Promise<Ending> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve('stop');
    else signal.addEventListener('abort', () => resolve('stop'), { once: true });
  });

/** From the first look at etcd to the end: of the daemon, or (`restart`) of what it knew of the network. */
async function runSession(daemon: Daemon, parts: DaemonParts, onReady: () => void): Promise<Ending> {
  const restart = Promise.withResolvers<Ending>();
  const up = Promise.withResolvers<void>();
  const ended = Promise.race([stopped(daemon), restart.promise]);
  const beginning = begin(daemon, parts, { stop: restart.resolve, onReady: () => void up.promise.then(onReady) });
  await Promise.race([beginning, ended]);
  // Whatever it still waits for in etcd ends now.
  if (daemon.stop.signal.aborted) parts.store.close();
  const node = await beginning;
  const unwire = wire(node);
  daemon.node = node;
  up.resolve();
  const how = await ended;
  daemon.node = undefined;
  unwire();
  await close(node);
  return how;
}

/** One session after the other, until it is told to stop. */
async function live(daemon: Daemon, parts: DaemonParts, onReady: () => void): Promise<void> {
  try {
    while ((await runSession(daemon, parts, onReady)) === 'restart');
    parts.log('stopping', 'the kernel keeps its state; tsflannel down removes it');
  } catch (error) {
    if (!daemon.stop.signal.aborted) throw error;
  }
}

/** Listens to the process' signals; returns what ends that. */
function hear(daemon: Daemon, reload: () => void): () => void {
  const stop = () => daemon.stop.abort();
  const ears = { SIGTERM: stop, SIGINT: stop, SIGHUP: reload };
  for (const [signal, ear] of Object.entries(ears)) process.on(signal, ear);
  return () => {
    for (const [signal, ear] of Object.entries(ears)) process.off(signal, ear);
  };
}

/** The doors of a daemon are opened when its disk is; that is long before the node is up. */
function withDoors(options: NodeOptions, daemon: () => Daemon) {
  let close: (() => Promise<void>) | undefined;
  let opening: Promise<unknown> = Promise.resolve();
  async function open() {
    if (!close) await refuseSecond(options.runDir);
    const state = await diskOf(options).open();
    close ??= await openDoors(daemon());
    await writePid(options.runDir);
    return state;
  }
  const disk: Disk = {
    ...diskOf(options),
    open() {
      const opened = open();
      opening = opened.catch(() => undefined);
      return opened;
    },
  };
  const closeDoors = async () => {
    await opening;
    await close?.();
    if (close) await clearRunDir(options.runDir, { log: false });
  };
  return { disk, closeDoors };
}

/**
 * Runs a node until it is told to stop (SIGTERM, SIGINT, or `stop` on the control socket). `onReady` is called once subnet.env and the
 * routes are there. Throws what keeps it from starting: ALREADY_RUNNING, PORT_TAKEN, ETCD_…, CONFIG_…, NETWORK_OVERLAP, NO_FREE_SUBNET,
 * IFACE_…, DEVICE_FOREIGN. However it ends, nothing of it is left open; its run folder is cleared last.
 */
export async function runDaemon(options: NodeOptions, given: DaemonParts, onReady: () => void): Promise<void> {
  const { disk, closeDoors } = withDoors(options, () => daemon);
  const events = rememberEvents(given.log);
  const parts: DaemonParts = { ...given, log: events.log };
  const stop = new AbortController();
  const turns = watchTurns();
  const daemon: Daemon = { options, disk, events, turns, stop, node: undefined, waitingFor: 'etcd' };
  const systemd = tellSystemd(daemon, parts);
  // A look that fails is one that the reconciler repeats.
  const deafen = hear(daemon, () => void systemd.reload().catch(() => undefined));
  try {
    await live(daemon, parts, onReady);
  } finally {
    daemon.stop.abort();
    systemd.close();
    turns.close();
    parts.systemd?.tell('STOPPING=1');
    await parts.docker?.close();
    parts.store.close();
    await parts.kernel.close();
    await closeDoors();
    deafen();
  }
}
