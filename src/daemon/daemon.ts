/**
 * daemon/ knows how a node runs: it joins store, lease, reconciler and kernel, answers on the control socket, tells systemd, and ends
 * cleanly, leaving the kernel's state as it is. It must not know what the parts are made of: host/ makes the real ones.
 */
import { clearRunDir } from '../files/run-dir.ts';
import { begin } from './begin.ts';
import { openDoors } from './doors.ts';
import type { DaemonParts, Ending, Node } from './node.ts';
import type { NodeOptions } from './options.ts';
import { takeRunDir } from './run-files.ts';
import { wire } from './wire.ts';

async function end(node: Node): Promise<void> {
  node.holder.close();
  node.follower.close();
  await node.reconciler.close();
  await node.keeper.close();
}

interface Session {
  readonly options: NodeOptions;
  readonly parts: DaemonParts;
  readonly onReady: () => void;
  /** What to call to end it. */
  readonly setStop: (stop: (how: Ending) => void) => void;
}

/** From the first look at etcd to the end: of the daemon, or (`restart`) of what it knew of the network. */
async function runSession({ options, parts, onReady, setStop }: Session): Promise<Ending> {
  const { promise: ended, resolve: stop } = Promise.withResolvers<Ending>();
  const opened = Promise.withResolvers<void>();
  setStop(stop);
  const node = await begin(options, parts, { stop, onReady: () => void opened.promise.then(onReady) });
  const unwire = wire(node);
  const close = await openDoors(node);
  const ring = () => node.reconciler.ring('all');
  process.on('SIGHUP', ring);
  opened.resolve();
  const how = await ended;
  process.off('SIGHUP', ring);
  await close();
  unwire();
  await end(node);
  return how;
}

/**
 * Runs a node until it is told to stop (SIGTERM, SIGINT, or `stop` on the control socket). `onReady` is called once subnet.env and the
 * routes are there. Throws what keeps it from starting: ALREADY_RUNNING, ETCD_…, CONFIG_…, NO_FREE_SUBNET, IFACE_…, DEVICE_FOREIGN.
 */
export async function runDaemon(options: NodeOptions, parts: DaemonParts, onReady: () => void): Promise<void> {
  await takeRunDir(options.runDir);
  let how: Ending = 'restart';
  let stop: (how: Ending) => void = () => undefined;
  const setStop = (now: typeof stop) => {
    stop = now;
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop('stop'));
  try {
    while (how === 'restart') how = await runSession({ options, parts, onReady, setStop });
    parts.notify('STOPPING=1');
    parts.log('stopping', 'the kernel keeps its state; tsflannel down removes it');
    parts.store.close();
    await parts.kernel.close();
  } finally {
    await clearRunDir(options.runDir, { log: false });
  }
}
