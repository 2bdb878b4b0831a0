/** What a metric of the daemon is. Names follow the conventions of Prometheus: base units, `_total` for counters. */
export interface Metric {
  readonly type: 'gauge' | 'counter' | 'summary';
  readonly help: string;
  readonly labels: readonly string[];
}

const gauge = (help: string, ...labels: string[]): Metric => ({ type: 'gauge', help, labels });
const counter = (help: string, ...labels: string[]): Metric => ({ type: 'counter', help, labels });

/** `subnet` as it is leased, `node` by the name that it has published. */
const PEER = ['subnet', 'node'] as const;

/** Every metric, by name. A summary is written as its `_sum` and `_count`. */
export const METRICS = {
  tsflannel_build_info: gauge('1, with the version that runs', 'version'),
  tsflannel_ready: gauge('1 once subnet.env and routes are in place'),
  tsflannel_uptime_seconds: gauge('Since the process started'),
  tsflannel_event_loop_delay_seconds: gauge(
    'How late what was due came, at most and p99, in the last 5 to 10 minutes',
    'what',
  ),
  tsflannel_event_loop_cpu_seconds: gauge('Longest CPU time without a turn for anything else, in the same time'),
  tsflannel_peers: gauge('Other nodes with a lease'),
  tsflannel_lease_held: gauge('1 while etcd confirms the lease of this node'),
  tsflannel_lease_remaining_seconds: gauge('Until the lease ends unless it is renewed; absent for a reservation'),
  tsflannel_subnets_leased: gauge('Subnets of the network that are leased'),
  tsflannel_subnets_available: gauge('Subnets of the network that are not leased'),
  tsflannel_leases_refused: gauge('Leases in etcd that are not believed', 'code'),
  tsflannel_passes_total: counter('Times the wanted state was compared with the kernel'),
  tsflannel_plan_length: gauge('Steps that the last comparison asked for'),
  tsflannel_plan_blocked: gauge('Objects that somebody else’s stand in the way of'),
  tsflannel_plan_failed: gauge('Objects that the kernel refused'),
  tsflannel_plan_changes_total: counter('Changes made to the kernel and to files'),
  tsflannel_apply_duration_seconds: {
    type: 'summary',
    help: 'Time that applying plans took',
    labels: [],
  },
  tsflannel_failures_total: counter('Failures, by the code that tsflannel explain knows', 'code'),
  tsflannel_events_total: counter('Events of the log, by the name that tsflannel explain knows', 'event', 'level'),
  tsflannel_etcd_connected: gauge('1 while changes in etcd are followed'),
  tsflannel_etcd_last_event_age_seconds: gauge('Since etcd last sent a change or a list'),
  tsflannel_peer_answers: gauge('1 if the peer answers through the network', ...PEER),
  tsflannel_peer_rtt_seconds: gauge('Median round trip of the last requests', ...PEER),
  tsflannel_peer_requests_asked: gauge('How many of the last requests are counted', ...PEER),
  tsflannel_peer_requests_lost: gauge('How many of these were not answered', ...PEER),
  tsflannel_peer_sent_packets_total: counter('Packets of containers sent to the peer (backend udp)', ...PEER),
  tsflannel_peer_sent_bytes_total: counter('Their bytes', ...PEER),
  tsflannel_peer_received_packets_total: counter('Packets of containers received from the peer', ...PEER),
  tsflannel_peer_received_bytes_total: counter('Their bytes', ...PEER),
  tsflannel_peer_refused_packets_total: counter('Packets in the peer’s name that the source check refused', ...PEER),
  tsflannel_dropped_packets_total: counter('Packets dropped by carrier or source check', 'reason'),
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;

/** One value, with a label for each that the metric has. */
export interface Sample {
  readonly name: MetricName;
  readonly labels?: Readonly<Record<string, string>>;
  /** Of a summary: the sum. */
  readonly value: number;
  /** Of a summary. */
  readonly count?: number;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

const labelsText = (labels: Readonly<Record<string, string>> = {}): string => {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (char) => ESCAPES[char] ?? char)}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

function sampleLines({ name, labels, value, count }: Sample): string[] {
  const text = labelsText(labels);
  if (METRICS[name].type !== 'summary') return [`${name}${text} ${value}`];
  return [`${name}_sum${text} ${value}`, `${name}_count${text} ${count ?? 0}`];
}

/** The text format 0.0.4 of Prometheus: the samples of one metric together, in the order of the table; metrics without any are left out. */
export function printMetrics(samples: readonly Sample[]): string {
  const byName = Map.groupBy(samples, ({ name }) => name);
  const lines = Object.entries(METRICS).flatMap(([name, { type, help }]) => {
    const own = byName.get(name as MetricName);
    return own ? [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...own.flatMap(sampleLines)] : [];
  });
  return `${lines.join('\n')}\n`;
}
