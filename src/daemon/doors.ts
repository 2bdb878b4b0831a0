import { mtuOf } from '../backend/desired.ts';
import type { Check, DaemonStatus, Requests } from '../control/protocol.ts';
import { TsflannelError } from '../errors.ts';
import { printObject, printPlan } from '../kernel/print.ts';
import type { Plan } from '../kernel/state.ts';
import { usageOf } from '../lease/choose.ts';
import { printIp, printPrefix } from '../model/address.ts';
import type { ForwarderCounters, SourceCounters } from '../model/carrier-report.ts';
import type { Lease } from '../model/lease.ts';
import { isNearlyFull, type RouteTraffic, type Usage, usageText } from '../model/report.ts';
import { queryOf } from '../reconcile/pass.ts';
import { routeRows } from '../reconcile/report.ts';
import { parseLeaseKv } from '../store/lease-kv.ts';
import { carrierChecks, sourceChecks } from './carrier-checks.ts';
import { check, checksOf, waitingOf } from './checks.ts';
import { configCheck } from './config-check.ts';
import { type Handlers, serveControl } from './control-server.ts';
import { healthPages, servePages } from './health.ts';
import { metricsPages } from './metrics.ts';
import type { Daemon, Node } from './node.ts';
import { pathCheck } from './path-mtu.ts';
import { peersCheck } from './peers.ts';
import { ring } from './ring.ts';
import { turnsCheck } from './turns.ts';

const usageNow = (node: Node): Usage => usageOf(sceneOf(node).network, node.follower.view.leases().values());

/** A full network is a warning: this node, which has its subnet, is well. */
function usageCheck(node: Node): Check {
  const usage = usageNow(node);
  const full = isNearlyFull(usage);
  const hint = full ? '; tsflannel leases release --dead gives back those of nodes that are gone' : '';
  return check('subnets', 'ok', `${full ? 'warning: ' : ''}${usageText(usage)}${hint}`);
}

/** Leases that are not believed cost nobody but themselves: a warning too. */
function refusedCheck({ follower }: Node): Check {
  const refused = [...follower.view.rejections().values()];
  const [first] = refused;
  if (!first) return check('leases', 'ok', 'all believed');
  const { where, code, detail } = first;
  const what = `${where.slice(where.lastIndexOf('/') + 1)}: ${code}: ${detail}`;
  return check('leases', 'ok', `warning: ${refused.length} refused, such as ${what}; tsflannel leases shows all`);
}

function nodeOf({ node, waitingFor }: Daemon): Node {
  if (!node) throw new TsflannelError('DAEMON_STARTING', { detail: waitingFor });
  return node;
}

function sceneOf(node: Node) {
  const scene = node.reconciler.scene();
  if (!scene) throw new TsflannelError('DAEMON_STARTING', { detail: 'the first look at the kernel is under way' });
  return scene;
}

function carrierChecksOf({ parts, follower }: Node, counters: ForwarderCounters | undefined): Check[] {
  return carrierChecks(parts.carrier(), counters?.peers ?? [], follower.view.leases().values());
}

/** What moves packets or lets them in, as far as the backend has something to say of it. */
async function trafficOf(
  node: Node,
): Promise<{ checks: Check[]; counters: ForwarderCounters | SourceCounters | undefined }> {
  const { host, network } = sceneOf(node);
  const { parts, follower } = node;
  if (network.backend.type === 'udp') {
    const counters = parts.counters();
    return { checks: carrierChecksOf(node, counters), counters };
  }
  if (network.backend.sourceCheck === 'off') return { checks: [], counters: undefined };
  const counters = await parts.kernel.sourceCounters();
  return { checks: sourceChecks(counters, host.filter.noSourceCheck, follower.view.leases().values()), counters };
}

async function statusOf(node: Node, turns: Daemon['turns']): Promise<DaemonStatus> {
  const { self, host, network } = sceneOf(node);
  const { checks, counters } = await trafficOf(node);
  return {
    pid: process.pid,
    ready: node.ready,
    nodeId: host.nodeId,
    subnet: printPrefix(self.subnet),
    network: printPrefix(network.network),
    backend: network.backend.type,
    publicIp: printIp(host.publicIp),
    interface: host.iface.name,
    mtu: mtuOf(host, network),
    peers: node.follower.peers(node.holder.current().key).size,
    uptimeSeconds: Math.floor((node.parts.clock.now() - node.startedAt) / 1000),
    ...(node.cachedAt !== undefined && { cachedAt: node.cachedAt }),
    checks: [
      ...checksOf(node),
      configCheck(node.follower.view.config(), network),
      ...checks,
      ...(node.liveness ? [peersCheck(node.liveness.figures(), node.follower.view.leases())] : []),
      ...(node.paths ? [pathCheck(node.paths.narrow(), mtuOf(host, network))] : []),
      usageCheck(node),
      refusedCheck(node),
      turnsCheck(turns.figures()),
      ...(node.parts.docker ? [node.parts.docker.check()] : []),
    ],
    ...(counters && { counters }),
  };
}

/** A plan as the control socket carries it. */
export const planAnswer = (plan: Plan): Requests['plan'] => ({
  steps: plan.map(({ action, object, because }) => ({
    action,
    kind: object.kind,
    object: printObject(object),
    because,
  })),
  text: printPlan(plan),
});

/** What is exchanged with each peer, where a carrier counts it; by the peer's subnet. */
const trafficBySubnet = (counters: ForwarderCounters | undefined): ReadonlyMap<string, RouteTraffic> =>
  new Map(
    (counters?.peers ?? []).map(({ subnet, sent, received, refused }) => [
      printPrefix(subnet),
      { sent, received, refused },
    ]),
  );

/** All that are believed, and our own, of which etcd may not have told us yet when we have just claimed it. */
function leasesOf({ follower: { view }, holder }: Node): ReadonlyMap<string, Lease> {
  const { key, value, leaseId: lease, modRevision } = holder.current();
  const leases = view.leases();
  if (holder.state() !== 'held' || leases.has(key) || view.rejections().has(key)) return leases;
  const own = parseLeaseKv({ key, value, lease, createRevision: modRevision, modRevision, version: 1n });
  return own.ok ? new Map([...leases, [key, own.value]]) : leases;
}

async function routesOf(node: Node): Promise<Requests['routes']> {
  const scene = sceneOf(node);
  const seen = await node.parts.kernel.observe(queryOf(scene));
  const { view } = node.follower;
  const ownKey = node.holder.current().key;
  const rows = await routeRows({ scene, ownKey, leases: leasesOf(node), rejections: view.rejections(), seen });
  const figures = node.liveness?.figures();
  const traffic = trafficBySubnet(node.parts.counters());
  return {
    usage: usageNow(node),
    rows: rows.map((row) => {
      const [liveness, counted] = [figures?.get(row.key), traffic.get(row.subnet)];
      return { ...row, ...(liveness && { liveness }), ...(counted && { traffic: counted }) };
    }),
  };
}

const pingOf = ({ node, waitingFor }: Daemon): Requests['ping'] => ({
  pid: process.pid,
  ready: node?.ready ?? false,
  ...(!node && { waitingFor }),
});

const handlersOf = (daemon: Daemon): Handlers => ({
  ping: async () => pingOf(daemon),
  status: async () => statusOf(nodeOf(daemon), daemon.turns),
  plan: async () => planAnswer(await nodeOf(daemon).reconciler.plan()),
  routes: async () => routesOf(nodeOf(daemon)),
  events: async () => ({ events: daemon.events.last() }),
  ring: async () => ring(nodeOf(daemon)),
  stop: async () => {
    setImmediate(() => daemon.stop.abort());
    return { pid: process.pid };
  },
});

/**
 * Opens the control socket and, where asked for, the ports for health and metrics; returns what closes both. They answer while the node is not up yet, so
 * that a daemon that waits for etcd can be seen and stopped, and a second one is refused. Throws ALREADY_RUNNING, PORT_TAKEN.
 */
export async function openDoors(daemon: Daemon): Promise<() => Promise<void>> {
  const { runDir, healthz, metrics } = daemon.options;
  const control = await serveControl(runDir, handlersOf(daemon));
  try {
    const web = await servePages([
      ...(healthz ? [{ at: healthz, pages: healthPages(() => waitingOf(daemon)) }] : []),
      ...(metrics ? [{ at: metrics, pages: metricsPages(daemon) }] : []),
    ]);
    return async () => {
      web.close();
      await control.close();
    };
  } catch (error) {
    await control.close();
    throw error;
  }
}
