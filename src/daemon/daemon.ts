/**
 * daemon/ knows how a node runs: it joins store, lease, reconciler and kernel, answers on the control socket, tells systemd, and ends
 * cleanly, leaving the kernel's state as it is. It must not know what the parts are made of: host/ makes the real ones.
 */
import type { Host } from '../backend/backend.ts';
import { announce, deviceOf, mtuOf, type Scene } from '../backend/desired.ts';
import { TsflannelError } from '../errors.ts';
import { type NodeState, writeNodeState } from '../files/node-state.ts';
import { clearRunDir } from '../files/run-dir.ts';
import { acquire, type ClaimOptions, type Held } from '../lease/acquire.ts';
import { hold } from '../lease/hold.ts';
import { printIp, printPrefix } from '../model/address.ts';
import type { Clock } from '../model/clock.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import { createReconciler } from '../reconcile/reconciler.ts';
import { networkIn } from '../store/network.ts';
import { openDoors } from './doors.ts';
import { type Follower, follow, freshPeers } from './follow.ts';
import type { DaemonParts, Node } from './node.ts';
import type { NodeOptions } from './options.ts';
import { openNode, takeRunDir } from './run-files.ts';

const PATIENCE_MS = 1_000;

const pause = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

async function firstLook(parts: DaemonParts): Promise<{ follower: Follower; network: NetworkConfig }> {
  const first = await parts.store.snapshot();
  const network = networkIn(first.kvs, parts.store.prefix);
  return { follower: follow(parts.store, first, network, parts.clock), network };
}

/** A service waits for etcd and for a config, as flanneld does; a person is told at once. */
async function patientLook({ patient }: NodeOptions, parts: DaemonParts): ReturnType<typeof firstLook> {
  let told = '';
  for (;;) {
    try {
      return await firstLook(parts);
    } catch (error) {
      if (!patient) throw error;
      const text = error instanceof Error ? error.message : String(error);
      if (text !== told) parts.log('waiting', text);
      told = text;
      await pause(parts.clock, PATIENCE_MS);
    }
  }
}

/** Never less left than the margin, and often enough that a lost answer or two do not matter. */
const renewEveryMs = ({ ttlSeconds, renewMarginMinutes }: NodeOptions): number =>
  1000 * Math.max(1, Math.min(ttlSeconds / 3, ttlSeconds - renewMarginMinutes * 60, 600));

async function remember(options: NodeOptions, state: NodeState, held: Held, parts: DaemonParts): Promise<NodeState> {
  const seen = await parts.kernel.observe({ kinds: new Set(['sysctl']), paths: [], sysctls: ['net.ipv4.ip_forward'] });
  const forward = [...seen.values()][0]?.object;
  const before = forward?.kind === 'sysctl' && forward.value === '0' ? '0' : '1';
  const next: NodeState = { ...state, subnet: held.subnet, ipForwardBefore: state.ipForwardBefore ?? before };
  await writeNodeState(options.stateDir, next);
  return next;
}

const claimOptions = (
  options: NodeOptions,
  parts: DaemonParts,
  state: NodeState,
  scene: Pick<Scene, 'host' | 'network'>,
): ClaimOptions => ({
  store: parts.store,
  network: scene.network,
  announcement: {
    publicIp: scene.host.publicIp,
    peer: announce(scene.host, scene.network),
    nodeId: state.nodeId,
    nodeName: parts.nodeName,
  },
  remembered: state.subnet ? [state.subnet] : [],
  ttlSeconds: options.ttlSeconds,
  random: Math.random,
});

function tellReady(node: Node): void {
  if (node.ready || !node.reconciler.status().baseReady) return;
  node.ready = true;
  const subnet = printPrefix(node.holder.current().subnet);
  node.parts.log(
    'ready',
    `${subnet} over ${node.reconciler.scene()?.network.backend.type}, ${node.follower.peers(node.holder.current().key).size} peers`,
  );
  node.parts.notify(`READY=1\nSTATUS=leases ${subnet}`);
  node.onReady();
}

function wire(node: Node): void {
  const { follower, reconciler, holder, parts } = node;
  const monitor = parts.kernel.monitor((kinds) => reconciler.ring(kinds));
  follower.start({
    log: parts.log,
    changed: ({ leases, config }) => {
      const own = holder.current().key;
      // Our own writes come back as events; anything else at our key needs a look.
      const seen = follower.view.leases().get(own)?.etcd.modified;
      if (leases.includes(own) && seen !== holder.current().modRevision.toString()) void holder.check();
      reconciler.update(
        follower.peers(own),
        leases.filter((key) => key !== own),
      );
      if (config)
        parts.log(
          'config-changed',
          'the network config in etcd changed; it is followed at the next start of this node',
        );
    },
  });
  process.once('exit', () => monitor.close());
}

interface Beginning {
  readonly parts: DaemonParts;
  readonly options: NodeOptions;
  readonly state: NodeState;
  readonly follower: Follower;
  readonly scene: Scene;
  readonly held: Held;
  readonly claim: ClaimOptions;
}

function assemble(
  { parts, options, state, follower, scene, held, claim }: Beginning,
  end: Pick<Node, 'stop' | 'onReady'>,
): Node {
  const reconciler = createReconciler({
    kernel: parts.kernel,
    clock: parts.clock,
    random: Math.random,
    log: parts.log,
    confirm: () => freshPeers(parts.store, scene.network, node.holder.current().key),
    passed: () => tellReady(node),
  });
  const holder = hold(held, {
    claim,
    clock: parts.clock,
    renewEveryMs: renewEveryMs(options),
    log: parts.log,
    onChange: (now) => {
      reconciler.setScene({ ...(reconciler.scene() ?? scene), self: { subnet: now.subnet } });
      void writeNodeState(options.stateDir, { ...state, subnet: now.subnet });
    },
  });
  const node: Node = {
    parts,
    options,
    state,
    follower,
    reconciler,
    holder,
    ...end,
    startedAt: parts.clock.now(),
    ready: false,
  };
  return node;
}

/** Before the peers are told of our device: it must not be somebody else's. Throws DEVICE_FOREIGN. */
async function checkDevice({ kernel }: DaemonParts, network: NetworkConfig): Promise<void> {
  const device = deviceOf(network);
  if (device === undefined) return;
  const links = await kernel.observe({ kinds: new Set(['link']), paths: [], sysctls: [] });
  if (links.get(`link/${device}`)?.ours === false) throw new TsflannelError('DEVICE_FOREIGN', { device });
}

async function openHost(options: NodeOptions, parts: DaemonParts): Promise<{ opened: NodeState; host: Host }> {
  const opened = await openNode(options);
  return { opened, host: await parts.makeHost(opened.nodeId) };
}

async function begin(options: NodeOptions, parts: DaemonParts, end: Pick<Node, 'stop' | 'onReady'>): Promise<Node> {
  const [{ follower, network }, { opened, host }] = await Promise.all([
    patientLook(options, parts),
    openHost(options, parts),
  ]);
  await checkDevice(parts, network);
  const claim = claimOptions(options, parts, opened, { host, network });
  const held = await acquire(claim, follower.view);
  const state = await remember(options, opened, held, parts);
  parts.log(
    'lease',
    `${printPrefix(held.subnet)} ${held.resumed ? 'resumed' : 'claimed'} for ${printIp(host.publicIp)}, mtu ${mtuOf(host, network)}`,
  );
  const scene: Scene = { self: { subnet: held.subnet }, host, network };
  const node = assemble({ parts, options, state, follower, scene, held, claim }, end);
  await node.reconciler.start(scene, follower.peers(held.key));
  wire(node);
  return node;
}

async function end(node: Node): Promise<void> {
  node.holder.close();
  node.follower.close();
  await node.reconciler.close();
  node.parts.store.close();
  await node.parts.kernel.close();
}

/**
 * Runs a node until it is told to stop (SIGTERM, SIGINT, or `stop` on the control socket). `onReady` is called once subnet.env and the
 * routes are there. Throws what keeps it from starting: ALREADY_RUNNING, ETCD_…, CONFIG_…, NO_FREE_SUBNET, IFACE_…, DEVICE_FOREIGN.
 */
export async function runDaemon(options: NodeOptions, parts: DaemonParts, onReady: () => void): Promise<void> {
  await takeRunDir(options.runDir);
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop());
  try {
    const opened = Promise.withResolvers<void>();
    const node = await begin(options, parts, { stop, onReady: () => void opened.promise.then(onReady) });
    const close = await openDoors(node);
    process.on('SIGHUP', () => node.reconciler.ring('all'));
    opened.resolve();
    await stopped;
    parts.notify('STOPPING=1');
    parts.log('stopping', 'the kernel keeps its state; tsflannel down removes it');
    await close();
    await end(node);
  } finally {
    await clearRunDir(options.runDir, { log: false });
  }
}
