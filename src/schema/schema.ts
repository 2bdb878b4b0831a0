/**
 * schema/ describes what `--json` prints, so that scripts know what they may rely on: data and types, no code of other rooms. A
 * schema is kept by hand beside the types, which it must name key by key, and tests hold it against what the commands really print.
 * Within one schemaVersion properties are added, but none goes or changes its meaning.
 */
import { list, object, oneOf, type Properties, type Schema, text, whole } from './build.ts';
import * as cluster from './cluster.ts';
import * as host from './host.ts';
import * as node from './node.ts';

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

const schemaVersion: Schema = { const: 1 };
const documentOf = (properties: Properties): Schema => object({ schemaVersion, ...properties });

/** Of each command, by its name; several where its flags make it print something else. */
const DOCUMENTS: Readonly<Record<string, readonly Properties[]>> = {
  'config get': [host.configGet, host.configInvalid],
  'config view': [host.configView],
  'docker opts': [cluster.dockerOpts, cluster.dockerInstalled],
  'docker status': [cluster.dockerStatus],
  doctor: [host.doctor, host.doctorList, host.doctorFix],
  'etcd member list': [cluster.memberList],
  'etcd status': [cluster.etcdStatus],
  explain: [host.explain],
  'lab status': [host.labStatus],
  leases: [node.leases],
  ping: [node.ping],
  plan: [node.plan],
  routes: [node.routes],
  status: [node.status],
  'test connectivity': [node.connectivity],
  'token list': [cluster.tokenList],
  top: [node.top],
  trace: [node.trace],
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

const titled = (name: string, title: string, documents: readonly Properties[]): readonly [string, Schema] => {
  const [first, ...more] = documents.map(documentOf);
  return [name, { $schema: DRAFT, title, ...(more.length === 0 || !first ? first : oneOf(first, ...more)) }];
};

/** By the command's name, and `error`. */
export const SCHEMAS: ReadonlyMap<string, Schema> = new Map([
  ...Object.entries(DOCUMENTS).map(([name, documents]) => titled(name, `tsflannel ${name} --json`, documents)),
  titled(ERROR, 'what any command prints with --json when it fails', [error]),
]);
