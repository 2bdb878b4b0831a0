import type { Host } from '../backend/backend.ts';
import { announce, deviceOf, mtuOf, type Scene } from '../backend/desired.ts';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { failPoint } from '../fail-point.ts';
import { type NodeState, newIdentity } from '../files/node-state.ts';
import type { SavedView } from '../files/view-file.ts';
import { acquire, type ClaimOptions, type Held } from '../lease/acquire.ts';
import { hold } from '../lease/hold.ts';
import { isElsewhere } from '../lease/identity.ts';
import { baseOf, containsIp, type Prefix, printIp, printPrefix, samePrefix } from '../model/address.ts';
import { printLease } from '../model/lease.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import { printForDocker } from '../model/subnet-env.ts';
import { createReconciler } from '../reconcile/reconciler.ts';
import { type Inheritance, inherit } from './adopt.ts';
import { keepView } from './cached.ts';
import type { Disk } from './disk.ts';
import { freshPeers } from './follow.ts';
import { type FirstLook, firstLook } from './look.ts';
import type { Daemon, DaemonParts, Node } from './node.ts';
import type { NodeOptions } from './options.ts';
import { followPaths } from './path-mtu.ts';
import { askPeers } from './peers.ts';
import { listen } from './wire.ts';

/** Never less left than the margin, and often enough that a lost answer or two do not matter. */
const renewEveryMs = ({ ttlSeconds, renewMarginMinutes }: NodeOptions): number => {
  const spare = ttlSeconds - renewMarginMinutes * 60;
  // A lease shorter than the margin cannot keep it.
  return 1000 * Math.max(1, Math.min(ttlSeconds / 3, spare > 0 ? spare : ttlSeconds / 3, 600));
};

async function remember(disk: Disk, state: NodeState, held: Held, parts: DaemonParts): Promise<NodeState> {
  const seen = await parts.kernel.observe({ kinds: new Set(['sysctl']), paths: [], sysctls: ['net.ipv4.ip_forward'] });
  const forward = [...seen.values()][0]?.object;
  const before = forward?.kind === 'sysctl' && forward.value === '0' ? '0' : '1';
  const next: NodeState = { ...state, subnet: held.subnet, ipForwardBefore: state.ipForwardBefore ?? before };
  await disk.keep(next);
  return next;
}

const claimOptions = (
  options: NodeOptions,
  parts: DaemonParts,
  state: NodeState,
  scene: Pick<Scene, 'host' | 'network'> & { readonly inEnv: readonly Prefix[] },
): ClaimOptions => ({
  store: parts.store,
  network: scene.network,
  announcement: {
    publicIp: scene.host.publicIp,
    peer: announce(scene.host, scene.network),
    nodeId: state.nodeId,
    nodeName: parts.nodeName,
    ...(scene.host.hostId !== undefined && { hostId: scene.host.hostId }),
    gateway: scene.host.gateway,
  },
  remembered: [...(state.subnet ? [state.subnet] : []), ...scene.inEnv],
  ttlSeconds: options.ttlSeconds,
  keepTtl: options.keepTtl,
  random: parts.random,
});

function tellReady(node: Node): void {
  if (node.ready || !node.reconciler.status().baseReady) return;
  node.ready = true;
  const subnet = printPrefix(node.holder.current().subnet);
  node.parts.log(
    'ready',
    `${subnet} over ${node.reconciler.scene()?.network.backend.type}, ${node.follower.peers(node.holder.current().key).size} peers`,
  );
  node.parts.systemd?.tell(`READY=1\nSTATUS=leases ${subnet}`);
  node.onReady();
}

/** subnet.env is written: whatever else follows the lease may look. */
function tellFollower({ ready, reconciler, parts }: Node): void {
  const scene = reconciler.scene();
  if (!ready || !scene) return;
  const { self, host, network } = scene;
  const subnet = { ip: baseOf(self.subnet), length: self.subnet.length };
  parts.docker?.leased(printForDocker({ subnet, mtu: mtuOf(host, network), ipMasq: host.ipMasq }));
}

interface Beginning {
  readonly parts: DaemonParts;
  readonly daemon: Daemon;
  readonly state: NodeState;
  readonly look: FirstLook;
  readonly scene: Scene;
  readonly held: Held;
  readonly claim: ClaimOptions;
}

/** We hold another lease now, or the same one again. */
function heldAnew(node: Node, now: Held, before: Held): void {
  const { reconciler, follower, disk, state, parts } = node;
  if (node.cachedAt !== undefined) parts.log('cache-confirmed', 'etcd is back; the cached view is replaced by it');
  node.cachedAt = undefined;
  const scene = reconciler.scene();
  if (scene) reconciler.setScene({ ...scene, self: { subnet: now.subnet } });
  // Our former key may be a peer's now, and our own one may have been seen before we knew that it is ours.
  reconciler.update(follower.peers(now.key), [before.key, now.key]);
  node.keeper.changed();
  disk.keep({ ...state, subnet: now.subnet }).catch((error: Error) => parts.log('state-not-written', error.message));
  if (samePrefix(now.subnet, before.subnet)) return;
  const [from, to] = [printPrefix(before.subnet), printPrefix(now.subnet)];
  const then = parts.docker ? 'Docker follows' : 'run tsflannel docker apply';
  parts.log('subnet-changed', `${from} is another node's now, this one has ${to}: ${then}`);
}

/** What is kept on disk: etcd as last seen, and our own lease even if its event is still on the way. */
function savedView({ follower, holder, state, parts }: Node): SavedView {
  const { kvs, revision, clusterId } = follower.seen();
  const { key, value, modRevision, leaseId } = holder.current();
  const own = { key, value, createRevision: modRevision, modRevision, version: 1n, lease: leaseId };
  const all = kvs.some((kv) => kv.key === key) ? kvs : [...kvs, own];
  const savedAt = new Date().toISOString();
  return { nodeId: state.nodeId, prefix: parts.store.prefix, clusterId, revision, kvs: all, savedAt };
}

function assemble(beginning: Beginning, end: Pick<Node, 'stop' | 'onReady'>): Node {
  const { parts, daemon, state, look, scene, held, claim } = beginning;
  const { clock, random, log } = parts;
  const { disk } = daemon;
  const reconciler = createReconciler({
    kernel: parts.kernel,
    clock,
    random,
    log,
    confirm: () => freshPeers(parts.store, scene.network, node.holder.current().key),
    passed: () => {
      tellReady(node);
      tellFollower(node);
      const { planLength, failed, blocked } = reconciler.status();
      log('pass', `${planLength} steps, ${failed.length} failed, ${blocked.length} blocked`);
    },
  });
  const holder = hold(held, {
    claim,
    clock,
    renewEveryMs: renewEveryMs(daemon.options),
    log,
    onChange: (now, before) => heldAnew(node, now, before),
    cached: look.cached !== undefined,
  });
  // A view from disk is not written back as if it were new.
  const content = () => (node.cachedAt === undefined ? savedView(node) : undefined);
  const node: Node = {
    ...{ parts, disk, state, follower: look.follower, reconciler, holder, ...end },
    keeper: keepView({ disk, clock, log, content }),
    liveness: undefined,
    paths: undefined,
    startedAt: clock.now(),
    ready: false,
    deafen: () => {},
    cachedAt: look.cached?.saved.savedAt,
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

/** The tunnel would have to run through itself, and no peer believes such a lease. Throws NETWORK_OVERLAP. */
function checkAddress({ publicIp, iface }: Host, { network }: NetworkConfig): void {
  const inside = [publicIp, iface.ip].find((ip) => containsIp(network, ip));
  if (!inside) return;
  const route = `this node's own address ${printIp(inside)} on ${iface.name}`;
  throw new TsflannelError('NETWORK_OVERLAP', { network: printPrefix(network), route });
}

/** The lease of this node: asked of etcd, or what it was when etcd was seen last. */
async function heldOf({ cached, follower }: FirstLook, claim: ClaimOptions): Promise<Held> {
  if (!cached) return acquire(claim, follower.view);
  const { lease } = cached;
  if (isElsewhere(lease, claim.announcement))
    throw new TsflannelError('NODE_ID_UNSURE', { node: lease.nodeName ?? '-', ip: printIp(lease.publicIp) });
  return { ...cached.held, value: printLease(claim.announcement), ttlSeconds: claim.ttlSeconds };
}

async function openHost({ disk }: Daemon, parts: DaemonParts) {
  const opened = await disk.open();
  const host = await parts.makeHost(opened.nodeId);
  const gateway = await disk.gateway?.();
  return { opened, host: { ...host, ...(gateway && { gateway }) }, inEnv: await disk.subnetInEnv() };
}

/** The host with the MAC it took over, now or when it was first started. */
function heir(opened: NodeState, host: Host, { vtep = opened.vtep }: Inheritance): { opened: NodeState; host: Host } {
  return vtep ? { opened: { ...opened, vtep }, host: { ...host, vtep } } : { opened, host };
}

/** Looks, takes its subnet and makes the first pass; on a copied disk, as a new node. Throws as runDaemon does. */
export async function begin(daemon: Daemon, parts: DaemonParts, end: Pick<Node, 'stop' | 'onReady'>): Promise<Node> {
  try {
    return await beginAs(daemon, parts, end);
  } catch (error) {
    const { code, why } = asTsflannelError(error);
    if (code !== 'NODE_ID_CLONED') throw error;
    parts.log('node-id-cloned', `${why}; this node takes a new id and a subnet of its own`);
    await daemon.disk.keep(newIdentity(await daemon.disk.open()));
    return beginAs(daemon, parts, end);
  }
}

async function beginAs(daemon: Daemon, given: DaemonParts, end: Pick<Node, 'stop' | 'onReady'>): Promise<Node> {
  let begun: Node | undefined;
  const opening = openHost(daemon, given);
  const node = opening.then(({ opened }) => opened);
  // A failure is told by `opening` itself; the look may end without ever asking who we are.
  node.catch(() => undefined);
  const [look, { inEnv, ...found }] = await Promise.all([firstLook(daemon, given, node), opening]);
  const { network, follower, cached } = look;
  checkAddress(found.host, network);
  const scope = { kernel: given.kernel, host: found.host, network };
  const inheritance = await inherit(daemon.options, scope, () => begun?.ready ?? false);
  const { opened, host } = heir(found.opened, found.host, inheritance);
  const parts = { ...given, kernel: inheritance.kernel };
  await checkDevice(parts, network);
  daemon.stop.signal.throwIfAborted();
  daemon.waitingFor = 'a lease';
  const claim = claimOptions(daemon.options, parts, opened, { host, network, inEnv });
  const held = await heldOf(look, claim);
  failPoint('lease-claimed');
  const state = await remember(daemon.disk, opened, held, parts);
  const how = cached ? 'remembered' : held.resumed ? 'resumed' : 'claimed';
  parts.log('lease', `${printPrefix(held.subnet)} ${how} for ${printIp(host.publicIp)}, mtu ${mtuOf(host, network)}`);
  const scene: Scene = { self: { subnet: held.subnet }, host, network };
  begun = assemble({ parts, daemon, state, look, scene, held, claim }, end);
  begun.deafen = listen(begun);
  await begun.reconciler.start(scene, follower.peers(held.key));
  begun.liveness = askPeers(begun, daemon.options.askPeersEveryMs);
  begun.paths = followPaths(begun);
  return begun;
}
