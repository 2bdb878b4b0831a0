/**
 * schema/ describes what `--json` prints, so that scripts know what they may rely on: data and types, no code of other rooms. A
 * schema is kept by hand beside the types, which it must name key by key, and tests hold it against what the commands really print.
 * Within one schemaVersion properties are added, but none goes or changes its meaning.
 */
import { list, object, oneOf, type Properties, type Schema, text, whole } from './build.ts';
import * as change from './change.ts';
import * as cluster from './cluster.ts';
import * as docker from './docker.ts';
import * as host from './host.ts';
import * as lab from './lab.ts';
import * as node from './node.ts';
import * as start from './start.ts';

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

const schemaVersion: Schema = { const: 1 };
const documentOf = (properties: Properties): Schema => object({ schemaVersion, ...properties });

/** Of each command, by its name; several where its flags make it print something else. */
const DOCUMENTS: Readonly<Record<string, readonly Properties[]>> = {
  bench: [lab.bench, lab.benchServer],
  bundle: [start.bundle],
  'cloud-init': [host.cloudInit],
  completion: [host.completion, host.completionValues],
  'config get': [host.configGet, host.configInvalid],
  'config import': [change.configImport],
  'config set': [change.configSet],
  'config validate': [change.configValidate],
  'config view': [host.configView],
  'discovery new': [start.discoveryNew],
  'discovery serve': [start.discoveryServe, start.stopped],
  'docker apply': [docker.dockerChange],
  'docker network create': [docker.dockerNetwork],
  'docker network remove': [docker.dockerNetwork],
  'docker opts': [docker.dockerOpts, docker.dockerInstalled],
  'docker revert': [docker.dockerChange],
  'docker status': [docker.dockerStatus],
  doctor: [host.doctor, host.doctorList, host.doctorFix],
  down: [node.down],
  'etcd alarm disarm': [change.alarmDisarm],
  'etcd alarm list': [change.alarmList],
  'etcd compact': [change.compact],
  'etcd defrag': [change.defrag],
  'etcd del': [change.keyChange],
  'etcd get': [change.etcdGet],
  'etcd member add': [change.memberAdd],
  'etcd member list': [cluster.memberList],
  'etcd member promote': [change.memberChange],
  'etcd member remove': [change.memberRemove],
  'etcd member replace': [change.memberReplace],
  'etcd put': [change.keyChange],
  'etcd snapshot list': [change.snapshotList],
  'etcd snapshot restore': [change.snapshotRestore],
  'etcd snapshot save': [change.snapshotSave],
  'etcd snapshot schedule': [change.snapshotSchedule],
  'etcd status': [cluster.etcdStatus],
  'etcd stop': [change.etcdStop],
  'etcd watch': [change.etcdWatch],
  explain: [host.explain],
  'gateway disable': [start.gatewayChange],
  'gateway enable': [start.gatewayChange],
  'gateway status': [start.gatewayStatus],
  help: [host.help, host.exitCodes],
  init: [start.init, start.initPlan, start.initRunning],
  join: [start.joinMember, start.joinClient, start.joinPlan, start.joinFormer],
  'lab chaos': [lab.chaos, lab.chaosList],
  'lab down': [lab.labDown],
  'lab exec': [lab.labExec],
  'lab status': [lab.labStatus],
  'lab up': [lab.labUp],
  leases: [node.leases],
  'leases release': [change.leasesRelease],
  'leases reserve': [change.leasesReserve],
  ping: [node.ping],
  plan: [node.plan],
  routes: [node.routes],
  schema: [host.schemas, host.schema],
  'service install': [start.serviceInstall],
  'service status': [start.serviceStatus],
  'service uninstall': [start.serviceUninstall],
  status: [node.status],
  'test connectivity': [node.connectivity],
  'token create': [change.tokenCreate],
  'token list': [cluster.tokenList],
  'token revoke': [change.tokenRevoke],
  top: [node.top],
  trace: [node.trace],
  ui: [start.ui],
  up: [start.upDetached, start.stopped, start.upVersion],
  version: [host.version],
  wait: [node.wait],
};

const error: Properties = {
  error: object({
    code: text('stable; tsflannel explain CODE says more'),
    what: text(),
    why: text(),
    fix: list(text(), 'commands that help'),
    exit: whole('exit status'),
  }),
};

/** What any command prints when it fails. */
export const ERROR = 'error';

/** Of commands that follow something: a document a line, each with a schemaVersion of its own. */
const A_LINE: ReadonlySet<string> = new Set(['etcd watch']);

const titled = (name: string, title: string, documents: readonly Properties[]): readonly [string, Schema] => {
  const [first, ...more] = documents.map(documentOf);
  return [name, { $schema: DRAFT, title, ...(more.length === 0 || !first ? first : oneOf(first, ...more)) }];
};

/** By the command's name, and `error`. */
export const SCHEMAS: ReadonlyMap<string, Schema> = new Map([
  ...Object.entries(DOCUMENTS).map(([name, documents]) =>
    titled(name, `${A_LINE.has(name) ? 'a line of ' : ''}tsflannel ${name} --json`, documents),
  ),
  titled(ERROR, 'what any command prints with --json when it fails', [error]),
]);
