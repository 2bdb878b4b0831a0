/** What the commands print that build a lab and measure in it or between nodes: lab, bench. */

import type { Removed } from '../lab/down.ts';
import type { Executed } from '../lab/exec.ts';
import type { Lab, LabNode, LabSpec, NodeStatus } from '../lab/index.ts';
import type { Budget, FaultResult } from '../model/fault-figures.ts';
import type { BenchReport, PathFigures, RoundTripFigures, TcpFigures, UdpFigures } from '../model/figures.ts';
import type { BenchRow } from '../output/bench.ts';
import type { Served } from '../probe/server.ts';
import {
  count,
  flag,
  list,
  object,
  objectOf,
  optional,
  orNull,
  type Properties,
  type PropertiesOf,
  real,
  text,
  whole,
  word,
} from './build.ts';

const labSpec = objectOf<LabSpec>({
  name: text(),
  size: count(),
  backend: text(),
  network: text(),
  range: optional(list(text('as typed'), 'first and last subnet that are leased; absent: all of the network')),
  etcdMembers: count(),
  discovery: flag(),
  docker: flag(),
  bare: flag(),
});
const labNode = objectOf<LabNode>({
  name: text(),
  namespace: text(),
  ip: text(),
  dir: text('everything it has on disk'),
  member: flag('it runs an etcd member'),
});
const lab: PropertiesOf<Lab> = {
  spec: labSpec,
  dir: text(),
  nodes: list(labNode),
  underlay: text('namespace of the bridge'),
  phase: word('starting', 'up'),
  discoveryUrl: optional(text()),
};
export const labUp: Properties = { ...lab, seconds: real('that it took') };
const part = word('ok', 'degraded', 'down', 'none');
export const labStatus: Properties = {
  lab: object(lab),
  nodes: list(
    objectOf<NodeStatus>({
      name: text(),
      namespace: text(),
      ip: text(),
      subnet: optional(text()),
      etcd: part,
      daemon: part,
      docker: part,
    }),
  ),
  well: flag(),
};
const removed: PropertiesOf<Removed> = { processes: count(), namespaces: count(), mounts: count(), files: flag() };
export const labDown: Properties = { name: text(), ...removed };
const executed: PropertiesOf<Executed> = {
  exit: count('status of the command'),
  stdout: optional(text('what it printed')),
};
export const labExec: Properties = executed;

const fault = { row: count('of the matrix in docs/reliability.md'), name: text() };
export const chaosList: Properties = {
  faults: list(object({ ...fault, about: text(), anyDaemon: flag('another daemon than tsflannel can be put to it') })),
};
const ms = real('milliseconds');
const limit = orNull(real('milliseconds; null: no limit'));
const faultResults = list(
  objectOf<FaultResult>({
    ...fault,
    sent: count('packets'),
    lost: count(),
    repeated: count('came twice, or to another'),
    gapMs: ms,
    healMs: ms,
    healed: flag('false: it was waited for in vain'),
    resets: count('of the long TCP stream'),
    stallMs: ms,
    leaks: list(text()),
    duplicates: count(),
    tookMs: ms,
    budget: objectOf<Budget>({ gapMs: limit, healMs: limit, lostShare: optional(real('of all packets')) }),
    notes: list(text()),
    failures: list(text(), 'empty: well'),
  }),
);
export const chaos: Properties = {
  backend: text(),
  subject: text('the daemon it was done to'),
  results: faultResults,
  beside: optional(faultResults),
};

const tcp = objectOf<TcpFigures>({
  streams: count(),
  bitsPerSecond: real(),
  retransmits: count(),
  cpuSecondsPerGb: real('of both ends'),
});
const udp = objectOf<UdpFigures>({
  size: count('bytes of payload'),
  rate: count('wished, a second'),
  sent: count(),
  sentRate: real('a second'),
  received: count(),
  overflowed: count('for which the receiving socket had no room'),
  lost: real('share of the sent ones'),
});
const micros = real('microseconds');
const roundTrip = objectOf<RoundTripFigures>({
  ...{ count: count(), unanswered: count() },
  ...{ least: micros, median: micros, p99: micros },
});
const path = objectOf<PathFigures>({
  name: text(),
  from: text(),
  to: text(),
  mtu: count('bytes'),
  tcp: list(tcp),
  udp: list(udp),
  roundTrip: optional(roundTrip),
});
const report: PropertiesOf<BenchReport> = {
  backend: optional(text()),
  paths: list(path, 'the last one is what the others are compared with'),
  sameMachine: flag('both ends share its CPU'),
};
const row = objectOf<BenchRow>({
  what: text(),
  values: list(real(), 'one of each path'),
  texts: list(text(), 'the same for people'),
  ratio: optional(real('of the first path to the last')),
});
export const bench: Properties = { ...report, rows: list(row) };
const served: PropertiesOf<Served> = { client: text('its address'), measurements: whole() };
export const benchServer: Properties = served;
