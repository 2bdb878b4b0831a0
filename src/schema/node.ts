/** What the node's own commands print: status, routes, leases, plan, top, ping, test connectivity, wait. */
import type { PlanStep } from '../control/protocol.ts';
import type { PingReport } from '../host/connectivity.ts';
import type { TraceReport } from '../host/trace.ts';
import type { Traffic } from '../model/carrier-report.ts';
import type { ContainerFigures, EchoFigures, PairReport, WayFigures } from '../model/connectivity.ts';
import type { DeviceTraffic, Flow, LiveState, Rate } from '../model/live.ts';
import type {
  Check,
  DaemonEvent,
  NodeFacts,
  PeerLiveness,
  RouteRow,
  RouteTraffic,
  StatusReport,
  Usage,
} from '../model/report.ts';
import type { Hop } from '../trace/hops.ts';
import {
  count,
  decimal,
  flag,
  list,
  object,
  objectOf,
  optional,
  type Properties,
  type PropertiesOf,
  real,
  table,
  tally,
  text,
  time,
  whole,
  word,
} from './build.ts';

export const state = word('ok', 'degraded', 'down');
const traffic = objectOf<Traffic>({ packets: tally(), bytes: tally() });

export const check = objectOf<Check>({ name: text(), state, detail: text() });

export const facts: PropertiesOf<NodeFacts> = {
  pid: count(),
  ready: flag(),
  nodeId: text(),
  subnet: text('the leased subnet, as CIDR'),
  network: text('as CIDR'),
  backend: text(),
  publicIp: text(),
  interface: text('of the underlay'),
  mtu: count('bytes'),
  peers: count(),
  uptimeSeconds: real(),
  cachedAt: optional(time('the node lives by what it had on disk, as of then: etcd is away since its start')),
  counters: optional({ description: 'of the carrier of backend udp, or of the source check; not stable' }),
};

const statusProperties: PropertiesOf<StatusReport> = {
  state,
  checks: list(check),
  node: optional(object(facts)),
};
export const status: Properties = statusProperties;

const liveness = objectOf<PeerLiveness>({
  verdict: word('answers', 'loses', 'one-way', 'silent', 'unknown'),
  asked: count('of the last requests'),
  lost: count('of these'),
  rttMicros: optional(real('median round trip')),
  detail: optional(text()),
});

const row = objectOf<RouteRow>({
  key: text('of the lease, without the prefix'),
  subnet: text('as CIDR'),
  node: text(),
  publicIp: text(),
  backend: text(),
  state: word('this node', 'ok', 'missing', 'blocked', 'unreachable', 'foreign', 'rejected'),
  device: optional(text()),
  nextHop: optional(text()),
  detail: optional(text()),
  leaseId: optional(decimal('"0" is a reservation')),
  age: optional(real('seconds since the lease was renewed')),
  left: optional(real('seconds the lease lasts')),
  liveness: optional(liveness),
  traffic: optional(
    objectOf<RouteTraffic>({
      sent: traffic,
      received: traffic,
      refused: tally('by the source check; over 2^53 decimal text'),
    }),
  ),
});

const usage = objectOf<Usage>({ leased: count(), count: count('subnets that the config can hand out') });
const daemon = flag('a daemon runs and was asked; else it was worked out');

export const routes: Properties = { daemon, routes: list(row) };
export const leases: Properties = { daemon, leases: list(row), usage };

export const steps = list(
  objectOf<PlanStep>({
    action: word('create', 'replace', 'remove', 'blocked'),
    kind: text('of the object: link, route, chain, file …'),
    object: text(),
    because: text(),
  }),
);
export const plan: Properties = { daemon, steps };

const event = objectOf<DaemonEvent>({ at: time(), event: text('a stable name'), detail: text() });
const rate = objectOf<Rate>({ packets: real('a second'), bits: real('a second') });
const flow = objectOf<Flow>({ received: optional(rate), sent: optional(rate) });

const topProperties: PropertiesOf<LiveState> = {
  at: count('milliseconds since 1970'),
  status: object(status),
  rows: list(row),
  usage: optional(usage),
  events: list(event),
  traffic: optional(
    objectOf<DeviceTraffic>(
      { device: text(), received: traffic, sent: traffic, dropped: tally() },
      'since it was made',
    ),
  ),
};
export const top: Properties = {
  ...topProperties,
  rates: object({ device: flow, peers: table(flow, 'by the key of the lease') }),
};

const echo = objectOf<EchoFigures>({
  bytes: count('of each packet, with its IPv4 header'),
  sent: count(),
  received: count(),
  rttMicros: optional(real('median')),
  worstMicros: optional(real()),
});

const pingProperties: PropertiesOf<PingReport> = {
  to: text(),
  address: text(),
  device: text(),
  overlay: echo,
  underlay: optional(echo),
};
export const ping: Properties = pingProperties;

const answer = word('open', 'refused', 'silent');

const way: PropertiesOf<WayFigures> = {
  overlay: echo,
  mtu: count('bytes'),
  largest: optional(count('bytes of the largest packet that came through whole')),
  tcp: optional(answer),
  udp: optional(answer),
  load: optional(echo),
};

const containers = objectOf<ContainerFigures>({
  bridge: text('of this node'),
  from: text('address of what stands in for a container of this node'),
  to: optional(text('the container of the other node that was measured')),
  host: echo,
  there: word('answered', 'none', 'unreachable', 'refused', 'silent'),
  count: count('addresses that answered'),
  mute: optional(text('an address that is somebody’s who does not answer')),
  way: optional(objectOf<WayFigures>(way)),
});

const pair = objectOf<PairReport>({
  from: text(),
  to: text(),
  subnet: text('of the other node'),
  publicIp: text(),
  backend: text(),
  route: text('its state, as routes shows it'),
  underlay: echo,
  ...way,
  containers: optional(containers),
  result: word('ok', 'warn', 'fail'),
  cause: optional(text('the likely one')),
  fix: optional(text('a command')),
});
export const connectivity: Properties = { pairs: list(pair) };

const traceProperties: PropertiesOf<TraceReport> = {
  from: text(),
  to: text(),
  hops: list(objectOf<Hop>({ hop: text(), what: text(), result: word('ok', 'warn', 'fail') })),
};
export const trace: Properties = traceProperties;

export const wait: Properties = { waitedMs: whole(), for: list(text()) };

export const down: Properties = {
  changed: flag('or, in a dry run, would be'),
  released: optional(text('the subnet given back')),
  leaseProblem: optional(text('why it could not be given back')),
  daemon: optional(count('pid of the daemon that was stopped')),
  dryRun: optional(flag()),
  steps: list(object({ action: text(), object: text(), because: text() })),
};
