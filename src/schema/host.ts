/** What the commands print that look at the host, its settings and the program itself: doctor, explain, config, version. */
import type { Setting } from '../config/origins.ts';
import type { Finding } from '../doctor/doctor.ts';
import type { Explanation } from '../doctor/explain.ts';
import { type BackendConfig, CARRIER_WISHES, SOURCE_CHECKS } from '../model/backend-config.ts';
import type { Rejection } from '../model/parsed.ts';
import {
  count,
  decimal,
  flag,
  list,
  object,
  objectOf,
  oneOf,
  optional,
  orNull,
  type Properties,
  table,
  text,
  whole,
  word,
} from './build.ts';
import { state } from './node.ts';

export const schema: Properties = { name: text(), schema: table({}, 'the JSON Schema') };
export const schemas: Properties = { schemas: list(object({ name: text(), title: text() })) };
export const help: Properties = { topic: text(), help: text('what people are shown') };
export const exitCodes: Properties = {
  topic: text(),
  codes: list(object({ exit: count(), means: text() })),
};
export const completion: Properties = { name: text(), script: text() };
export const completionValues: Properties = { values: list(text()) };
export const cloudInit: Properties = { userData: text() };
export const version: Properties = { version: text(), node: text('version of Node.js') };

const result = word('ok', 'warn', 'fail', 'skip');
const group = text('host, network, etcd, leases, daemon, kernel, filters, peers or docker');
const commands = list(text(), 'commands that help');

const finding = objectOf<Omit<Finding, 'repairs'> & { safe: readonly string[] }>({
  id: text(),
  group,
  title: text('what is well, as a fact'),
  why: text('why it matters'),
  fix: commands,
  result,
  evidence: text('what was seen'),
  safe: list(text(), 'those that --fix would run'),
});
export const doctor: Properties = { state, findings: list(finding) };
export const doctorList: Properties = {
  checks: list(object({ id: text(), group, title: text(), why: text(), fix: commands })),
};
export const doctorFix: Properties = {
  repaired: list(object({ id: text(), command: text(), error: optional(text('why it could not be done')) })),
  commands: optional(list(text())),
};

export const explain: Properties = {
  explanations: list(
    objectOf<Explanation>({
      code: text(),
      kind: word('error', 'check', 'event', 'rejection'),
      what: text(),
      why: text(),
      fix: commands,
      exit: optional(whole('status of the error')),
    }),
  ),
};

const setting = objectOf<Setting>({
  name: text(),
  value: text(),
  origin: text('flag --X, environment X, the path of a file, etcd with its revision, or default'),
});

type Backend<T extends BackendConfig['type']> = Extract<BackendConfig, { readonly type: T }>;
const mtu = count('bytes; 0: as the interface');
const sourceCheck = word(...SOURCE_CHECKS);

/** Defaults are filled in. */
const backend = oneOf(
  objectOf<Backend<'udp'>>({
    type: word('udp'),
    port: count(),
    mtu,
    carrier: word(...CARRIER_WISHES),
    sourceCheck,
    directDelivery: flag(),
  }),
  objectOf<Backend<'vxlan'>>({
    ...{ type: word('vxlan'), vni: count(), port: count(), gbp: flag(), learning: flag() },
    ...{ directRouting: flag(), mtu, sourceCheck },
  }),
  objectOf<Backend<'host-gw'>>({ type: word('host-gw'), sourceCheck }),
);

/** A network config, defaults filled in. */
export const network = {
  network: text('as CIDR'),
  subnetLength: count(),
  subnetMin: text(),
  subnetMax: text(),
  subnets: count('that can be handed out'),
  backend,
};
export const configGet: Properties = {
  raw: text('as it stands in etcd'),
  modRevision: decimal(),
  ...network,
  settings: optional(list(setting, 'with --origins')),
};
const rejection = objectOf<Rejection>({ code: text(), where: text(), detail: text() });
export const configInvalid: Properties = { raw: text(), modRevision: decimal(), invalid: rejection };

export const configView: Properties = {
  settings: list(object({ name: text(), value: text(), origin: optional(text('with --origins')) })),
  trouble: orNull(object({ code: text(), why: text() }, 'why the network config cannot be read')),
};
