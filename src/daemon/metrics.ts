import { usageOf } from '../lease/choose.ts';
import { printPrefix } from '../model/address.ts';
import type { ForwarderCounters, PeerTraffic, SourceCounters } from '../model/carrier-report.ts';
import type { Lease } from '../model/lease.ts';
import { LOG_EVENTS } from '../model/log-events.ts';
import { type MetricName, printMetrics, type Sample } from '../model/metrics.ts';
import type { PeerLiveness } from '../model/report.ts';
import type { Pages } from './health.ts';
import type { Daemon, Node } from './node.ts';
import type { TurnFigures } from './turns.ts';

type Labels = NonNullable<Sample['labels']>;

/** A sample, unless there is no value. */
const one = (name: MetricName, value: number | boolean | undefined, labels?: Labels): Sample[] =>
  value === undefined ? [] : [{ name, value: Number(value), ...(labels && { labels }) }];

const ofTurns = ({ longest, p99, cpu }: TurnFigures): Sample[] => [
  ...one('tsflannel_event_loop_delay_seconds', longest / 1000, { what: 'longest' }),
  ...one('tsflannel_event_loop_delay_seconds', p99 / 1000, { what: 'p99' }),
  ...one('tsflannel_event_loop_cpu_seconds', cpu / 1000),
];

const ofDaemon = ({ options, node, events, turns }: Daemon): Sample[] => [
  ...one('tsflannel_build_info', 1, { version: options.version }),
  ...one('tsflannel_ready', node?.ready ?? false),
  ...one('tsflannel_uptime_seconds', process.uptime()),
  ...ofTurns(turns.figures()),
  ...[...events.failures()].flatMap(([code, count]) => one('tsflannel_failures_total', count, { code })),
  ...[...events.counts()].flatMap(([event, count]) =>
    one('tsflannel_events_total', count, { event, level: LOG_EVENTS[event].level }),
  ),
];

function ofEtcd({ follower, holder, reconciler, parts }: Node): Sample[] {
  const { view } = follower;
  const heardAt = follower.heardAt();
  const network = reconciler.scene()?.network;
  const usage = network && usageOf(network, view.leases().values());
  const refused = Map.groupBy(view.rejections().values(), ({ code }) => code);
  return [
    ...one('tsflannel_peers', follower.peers(holder.current().key).size),
    ...one('tsflannel_lease_held', holder.state() === 'held'),
    ...one('tsflannel_lease_remaining_seconds', holder.secondsLeft()),
    ...one('tsflannel_subnets_leased', usage?.leased),
    ...one('tsflannel_subnets_available', usage && Math.max(0, usage.count - usage.leased)),
    ...[...refused].flatMap(([code, all]) => one('tsflannel_leases_refused', all.length, { code })),
    ...one('tsflannel_etcd_connected', follower.connection().connected),
    ...one(
      'tsflannel_etcd_last_event_age_seconds',
      heardAt === undefined ? undefined : (parts.clock.now() - heardAt) / 1000,
    ),
  ];
}

function ofReconciler({ reconciler }: Node): Sample[] {
  const { passes, changes, planLength, blocked, failed, applied } = reconciler.status();
  return [
    ...one('tsflannel_passes_total', passes),
    ...one('tsflannel_plan_length', planLength),
    ...one('tsflannel_plan_blocked', blocked.length),
    ...one('tsflannel_plan_failed', failed.length),
    ...one('tsflannel_plan_changes_total', changes),
    { name: 'tsflannel_apply_duration_seconds', value: applied.ms / 1000, count: applied.count },
  ];
}

const livenessOf = ({ verdict, asked, lost, rttMicros }: PeerLiveness, labels: Labels): Sample[] => [
  ...one('tsflannel_peer_answers', verdict === 'answers' || verdict === 'loses', labels),
  ...one('tsflannel_peer_rtt_seconds', rttMicros === undefined ? undefined : rttMicros / 1e6, labels),
  ...one('tsflannel_peer_requests_asked', asked, labels),
  ...one('tsflannel_peer_requests_lost', lost, labels),
];

const trafficOf = (
  { sent, received, refused }: Omit<PeerTraffic, 'sent'> & Partial<Pick<PeerTraffic, 'sent'>>,
  labels: Labels,
): Sample[] => [
  ...one('tsflannel_peer_sent_packets_total', sent?.packets, labels),
  ...one('tsflannel_peer_sent_bytes_total', sent?.bytes, labels),
  ...one('tsflannel_peer_received_packets_total', received.packets, labels),
  ...one('tsflannel_peer_received_bytes_total', received.bytes, labels),
  ...one('tsflannel_peer_refused_packets_total', refused, labels),
];

type Counters = ForwarderCounters | SourceCounters;

function ofPeers({ follower, liveness }: Node, counters: Counters | undefined): Sample[] {
  const leases = follower.view.leases();
  const labelsOf = (subnet: string, lease: Lease | undefined): Labels => ({ subnet, node: lease?.nodeName ?? '' });
  const bySubnet = new Map([...leases.values()].map((lease) => [printPrefix(lease.subnet), lease]));
  const asked = [...(liveness?.figures() ?? [])].flatMap(([key, figures]) => {
    const lease = leases.get(key);
    return lease ? livenessOf(figures, labelsOf(printPrefix(lease.subnet), lease)) : [];
  });
  const counted = (counters?.peers ?? []).flatMap((peer) => {
    const subnet = printPrefix(peer.subnet);
    return trafficOf(peer, labelsOf(subnet, bySubnet.get(subnet)));
  });
  const drops = Object.entries(counters?.drops ?? {}).flatMap(([reason, count]) =>
    one('tsflannel_dropped_packets_total', count, { reason }),
  );
  return [...asked, ...counted, ...drops];
}

/** The counters of a kernel backend's source check are read by a tool of the kernel's: not more often than this, whoever asks. */
const SOURCES_EVERY_MS = 5_000;

/** What has counted the packets, where something does; without it the other metrics are still told. */
function createCounters(): (node: Node) => Promise<Counters | undefined> {
  let last: { readonly at: number; readonly counters: Promise<Counters | undefined> } | undefined;
  return async ({ parts, reconciler }) => {
    const backend = reconciler.scene()?.network.backend;
    if (!backend || backend.type === 'udp') return parts.counters();
    if (backend.sourceCheck === 'off') return undefined;
    const now = parts.clock.now();
    if (!last || now - last.at >= SOURCES_EVERY_MS)
      last = { at: now, counters: parts.kernel.sourceCounters().catch(() => undefined) };
    return last.counters;
  };
}

/** `/metrics` for Prometheus, from what the daemon knows anyway; answered before the node is up too. */
export function metricsPages(daemon: Daemon): Pages {
  const counters = createCounters();
  return {
    '/metrics': async () => {
      const { node } = daemon;
      const ofNode = node ? [...ofEtcd(node), ...ofReconciler(node), ...ofPeers(node, await counters(node))] : [];
      const text = printMetrics([...ofDaemon(daemon), ...ofNode]);
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', text };
    },
  };
}
