/** What the commands print that start something or take it away: init, join, up, ui, discovery, service, gateway, bundle. */
import type { Bundle, Gathered } from '../bundle/bundle.ts';
import type { Served } from '../host/discovery.ts';
import type { GatewayReport, GatewayRow } from '../host/gateway.ts';
import { GATEWAY_MODES, type GatewayMode } from '../model/lease.ts';
import type { ServiceState } from '../service/manage.ts';
import type { ServiceFile } from '../service/service.ts';
import {
  count,
  flag,
  list,
  object,
  objectOf,
  optional,
  type Properties,
  type PropertiesOf,
  table,
  text,
  word,
} from './build.ts';
import { memberList } from './cluster.ts';
import { check, facts } from './node.ts';

/** Absent while nobody has waited for the cluster to be healthy. */
const cluster: Properties = Object.fromEntries(
  Object.entries(memberList).map(([name, one]) => [name, 'optional' in one ? one : optional(one)]),
);
const clientConfig = text('the path of client.json');
const command = text('the line that does the same without a question');

export const init: Properties = {
  changed: flag(),
  member: object({
    name: text(),
    advertiseIp: text(),
    clientPort: count(),
    peerPort: count(),
    dataDir: text(),
    log: text('a path'),
  }),
  discovery: optional(text('the URL by which the members found each other')),
  clientConfig,
  ...cluster,
  command: optional(command),
  network: optional(text('what became of the network config')),
  user: optional(text('of etcd, which nodes are from now on')),
  join: optional(list(text('a secret'), 'tokens, one for each of the other hosts')),
};
export const initRunning: Properties = { dryRun: flag(), running: flag('nothing would be started') };
export const initPlan: Properties = {
  dryRun: flag(),
  argv: list(text(), 'of etcd'),
  env: table(text(), 'of etcd'),
  etcd: object({ version: text(), discovery: list(text(), 'kinds that it knows by itself') }),
  dataDir: text(),
  files: list(text(), 'that would be written'),
  warnings: list(text()),
};

export const joinClient: Properties = {
  changed: flag(),
  as: word('client'),
  endpoints: list(text(), 'of etcd'),
  clientConfig,
};
export const joinMember: Properties = {
  changed: flag(),
  as: word('member'),
  name: text(),
  clientConfig,
  ...cluster,
};
export const joinFormer: Properties = { dryRun: flag(), former: text('the member that would go on') };
export const joinPlan: Properties = {
  dryRun: flag(),
  as: word('member', 'client'),
  name: text(),
  service: text('the join service that would be asked'),
  files: list(text(), 'that would be written'),
};

export const upDetached: Properties = { ...facts, checks: list(check), log: text('a path') };
/** Of a command that served in the foreground. */
export const stopped: Properties = { stopped: flag() };
/** With flanneld's --version. */
export const upVersion: Properties = { version: text() };
export const ui: Properties = { url: text('it has a key in it: a secret') };

export const discoveryNew: Properties = {
  url: optional(text('of v2 discovery')),
  token: optional(text('of v3 discovery')),
  size: count(),
  command: text('what to type on each host'),
};
const served: PropertiesOf<Served> = { pid: count(), log: text('a path'), url: text('for init --new-discovery') };
export const discoveryServe: Properties = served;

const initSystem = word('systemd', 'openrc', 'sysvinit');
const dryRun = flag();
export const serviceInstall: Properties = {
  changed: flag('or, in a dry run, would be'),
  init: initSystem,
  files: list(objectOf<ServiceFile>({ path: text(), content: text(), mode: count() })),
  commands: list(list(text()), 'that make the init know it'),
  dryRun,
};
const serviceProperties: PropertiesOf<ServiceState> = {
  init: initSystem,
  files: list(object({ path: text(), state: word('as written', 'changed', 'foreign', 'missing') })),
  enabled: optional(text('as the init says')),
  active: optional(text('as the init says')),
};
export const serviceStatus: Properties = serviceProperties;
export const serviceUninstall: Properties = {
  changed: flag('or, in a dry run, would be'),
  removed: list(text(), 'files'),
  dryRun,
};

const gatewayMode = word(...GATEWAY_MODES);
const gateway: PropertiesOf<Omit<GatewayReport, 'mode'> & { readonly mode?: GatewayMode }> = {
  mode: optional(gatewayMode),
  network: text('as CIDR'),
  gateways: list(objectOf<GatewayRow>({ node: text(), address: text(), mode: gatewayMode })),
  outside: list(text(), 'commands for hosts outside'),
};
export const gatewayStatus: Properties = gateway;
export const gatewayChange: Properties = {
  ...gateway,
  changed: flag('or, in a dry run, would be'),
  daemon: flag('a running daemon has been told'),
  dryRun,
};

const gathered = objectOf<Gathered>({ name: text(), bytes: count(), missing: optional(text('why there is nothing')) });
const bundleProperties: PropertiesOf<Bundle> = { file: text(), bytes: count(), items: list(gathered) };
export const bundle: Properties = bundleProperties;
