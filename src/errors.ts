/**
 * Every error a user can meet: one table of code, exit status, what, why and how to fix. Nothing else in the program prints an error text.
 * `{name}` in a text is filled from the error's details, `{command}` in a fix with the command that failed. Each fix can be run.
 * Exit codes: 1 failed, 2 usage, 3 not found, 4 permission, 5 auth, 6 conflict or exhausted, 7 plan differs, 8 degraded, 9 down,
 * 69 unreachable, 75 timed out, 130/143 signals.
 */
import { CLUSTER_ERRORS, type ErrorEntry, entry } from './errors-cluster.ts';
import { DOCKER_ERRORS } from './errors-docker.ts';
import { LEASE_ERRORS } from './errors-lease.ts';

export const ERRORS = {
  ...CLUSTER_ERRORS,
  ...LEASE_ERRORS,
  ...DOCKER_ERRORS,
  INTERNAL: entry(
    1,
    'tsflannel failed in a way it does not know; please report it with the command that you ran',
    '{detail}',
    'tsflannel version',
  ),
  USAGE: entry(2, 'the command line is not valid', '{detail}', '{command} --help'),
  MISSING_FLAGS: entry(2, 'flags are missing: {flags}', 'there is no terminal to ask on', '{command} --help'),
  NEEDS_CONFIRMATION: entry(
    2,
    'this needs a confirmation: {detail}',
    'there is no terminal to ask on',
    '{command} --yes',
  ),
  ABORTED: entry(130, 'stopped, nothing was changed', 'the question was answered with no, or Ctrl-C', '{command}'),
  NOT_ROOT: entry(4, 'root is needed to {detail}', 'the kernel refuses it to other users', 'sudo {command}'),
  ETCD_UNREACHABLE: entry(
    69,
    'etcd does not answer at {endpoints}',
    '{detail}',
    'tsflannel etcd status',
    'tsflannel init',
  ),
  ETCD_TIMEOUT: entry(75, 'etcd did not answer in time at {endpoints}', '{detail}', 'tsflannel etcd status'),
  ETCD_NO_QUORUM: entry(69, 'the etcd cluster has no leader', '{detail}', 'tsflannel etcd status'),
  ETCD_AUTH: entry(5, 'etcd refuses these credentials', '{detail}', 'tsflannel config get --help'),
  ETCD_FAILED: entry(1, 'etcd refused a request', '{detail}', 'tsflannel etcd status'),
  ETCD_TLS: entry(5, 'the TLS connection to etcd failed', '{detail}', 'tsflannel config get --help'),
  CONFIG_MISSING: entry(
    3,
    'there is no network config in etcd at {key}',
    'nobody has written it yet, or the prefix is another',
    'tsflannel config set --network 172.17.0.0/16',
  ),
  CONFIG_INVALID: entry(2, 'the network config is not valid: {where}', '{detail}', 'tsflannel config validate --help'),
  CONFIG_CHANGED: entry(
    6,
    'the network config was changed by somebody else meanwhile',
    'revision {revision} is newer than the one read',
    'tsflannel config get',
  ),
  CONFIG_LEASES: entry(
    6,
    'live leases cannot follow this change: {detail}',
    'nodes hold subnets of the old config',
    'tsflannel leases',
    'tsflannel down',
  ),
  NETWORK_OVERLAP: entry(
    6,
    'the network {network} overlaps a route of this host: {route}',
    'containers would not reach those addresses, or the host would lose them',
    'tsflannel config set --help',
  ),
  IFACE_NOT_FOUND: entry(
    3,
    'no interface fits {detail}',
    "none of this host's interfaces matches and has an IPv4 address",
    'tsflannel up --help',
  ),
  IFACE_AMBIGUOUS: entry(
    2,
    'more than one interface could be the underlay: {detail}',
    'there is no default route to choose by',
    'tsflannel up --help',
  ),
  DEVICE_FOREIGN: entry(
    6,
    "the device {device} is another program's",
    'flanneld still runs, or has left it behind; with another device of this name the peers would be told of one that is not there',
    'tsflannel up --adopt',
    'ip link delete dev {device}',
  ),
  KERNEL_REFUSED: entry(1, 'the kernel refused: {detail}', '{why}', 'tsflannel plan'),
  ALREADY_RUNNING: entry(
    6,
    'a daemon runs already (pid {pid})',
    'one daemon a node',
    'tsflannel status',
    'tsflannel down',
  ),
  DAEMON_NOT_RUNNING: entry(9, 'no daemon answers at {socket}', '{detail}', 'tsflannel up --detach'),
  DAEMON_STARTING: entry(8, 'the daemon is not up yet', '{detail}', 'tsflannel status'),
  DAEMON_ANSWER: entry(1, 'the daemon could not do that', '{detail}', 'tsflannel status'),
  PORT_TAKEN: entry(6, 'port {port} on {address} cannot be listened on', '{detail}', 'tsflannel up --help'),
  DAEMON_FAILED: entry(1, 'the daemon did not become ready', '{detail}', 'tsflannel up'),
  ETCD_NOT_INSTALLED: entry(3, 'the etcd program was not found', '{detail}', 'apt-get install etcd-server'),
  ETCD_VERSION: entry(1, '{file} is not etcd 3.4 or newer', '{detail}', 'apt-get install etcd-server'),
  ADVERTISE_IP: entry(
    2,
    'it is not clear which address the other members can reach',
    'no default route decides among {detail}',
    'tsflannel init --help',
  ),
  ETCD_PORT_TAKEN: entry(6, 'port {port} on {address} is taken', '{detail}', 'tsflannel init --help'),
  ETCD_DATA_DIR: entry(6, 'the data directory {dir} belongs to another cluster', '{detail}', 'tsflannel init --help'),
  ETCD_DATA_LOST: entry(
    6,
    'the data of the etcd member {name} is gone from {dir}',
    'it belongs to a cluster already, where an empty member under its name does harm',
    'tsflannel etcd stop --purge',
    'tsflannel init --help',
  ),
  MEMBER_FILE_INVALID: entry(1, '{file} is not valid', '{detail}', 'tsflannel etcd stop --help'),
  ETCD_START: entry(1, 'etcd ended while it was starting', '{detail}', 'tsflannel etcd status'),
  ETCD_NOT_HEALTHY: entry(
    75,
    'the etcd cluster did not become healthy in {seconds} s',
    '{detail}',
    'tsflannel etcd status',
  ),
  ETCD_NOT_MANAGED: entry(3, 'no etcd member of this host is managed here', 'nothing at {dir}', 'tsflannel init'),
  FILE_FAILED: entry(1, 'the file {file} could not be written', '{detail}', 'tsflannel status'),
  FILE_UNREADABLE: entry(1, 'the file {file} could not be read', '{detail}', 'tsflannel status'),
  CLIENT_CONFIG_INVALID: entry(2, '{file} is not valid', '{detail}', 'tsflannel init --help'),
  TOOL_MISSING: entry(3, 'the program {tool} was not found', '{detail}', 'apt-get install {package}'),
  TOOL_FAILED: entry(1, '{tool} failed', '{detail}', 'tsflannel status'),
  LAB_EXISTS: entry(
    6,
    'a lab named {name} is there already',
    'one lab a name',
    'tsflannel lab status --name {name}',
    'tsflannel lab down --name {name}',
  ),
  LAB_MISSING: entry(3, 'there is no lab named {name}', 'nothing at {dir}', 'tsflannel lab up --name {name}'),
  LAB_NODE_MISSING: entry(3, 'lab {name} has no node {node}', '{detail}', 'tsflannel lab status --name {name}'),
  LAB_FAILED: entry(
    1,
    'the lab could not be brought up; it was taken down again',
    '{detail}',
    'tsflannel lab up --help',
  ),
  BENCH_UNREACHABLE: entry(
    69,
    'no bench server answers at {peer}',
    '{detail}; the other node has to run one',
    'tsflannel bench --server',
    'tsflannel routes',
  ),
  BENCH_CODE: entry(5, 'the code is not right', '{detail}', 'tsflannel bench --server', 'tsflannel bench --help'),
  BENCH_NO_CLIENT: entry(75, 'nobody came to measure', 'the server has waited {seconds} s', 'tsflannel bench --server'),
  BENCH_NO_ADDRESS: entry(
    3,
    'this node has no address in its subnet {subnet} to be reached at',
    'backend {backend} gives it none, and no bridge (docker0) has one; --listen takes any other',
    'tsflannel docker apply',
    'tsflannel bench --help',
  ),
  BENCH_FAILED: entry(1, 'the measurement broke off', '{detail}', 'tsflannel status', 'tsflannel bench --help'),
  SCHEMA_UNKNOWN: entry(3, 'there is no schema for {name}', 'schemas are named as commands are', 'tsflannel schema'),
  CODE_UNKNOWN: entry(3, 'nothing here is called {code}', '{near}', 'tsflannel explain'),
  WAIT_TIMEOUT: entry(
    75,
    '{wanted} did not come about in {seconds} s',
    '{detail}',
    'tsflannel status',
    'tsflannel doctor',
  ),
  CHECK_UNKNOWN: entry(2, 'there is no check {id}', 'checks have names like etcd-tcp', 'tsflannel doctor --list'),
  LAB_STUCK: entry(1, 'the lab did not do what was asked', '{detail}', 'tsflannel lab down'),
} as const satisfies Record<string, ErrorEntry>;

export type { ErrorEntry };

export type ErrorCode = keyof typeof ERRORS;

type Names<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Row<C extends ErrorCode> = (typeof ERRORS)[C];

/** What the texts of this error are filled with; `command` is filled in when it is printed. */
type DetailName<C extends ErrorCode> = Exclude<
  Names<Row<C>['what'] | Row<C>['why'] | Row<C>['fix'][number]>,
  'command'
>;
type Values = Readonly<Record<string, string | number>>;
type Details<C extends ErrorCode> = Values & { readonly [N in DetailName<C>]: string | number };

const fill = (text: string, details: Values): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => String(details[name] ?? whole));

/** The one error class. `details` fill the table's texts; secrets do not belong in them. */
export class TsflannelError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: ErrorCode;
  readonly exit: number;
  readonly why: string;
  readonly fix: readonly string[];

  constructor(
    code: C,
    ...rest: [DetailName<C>] extends [never]
      ? [details?: Values, cause?: unknown]
      : [details: Details<C>, cause?: unknown]
  ) {
    const [details = {}, cause] = rest as [Values?, unknown?];
    const row: ErrorEntry = ERRORS[code];
    super(fill(row.what, details), cause === undefined ? undefined : { cause });
    this.name = 'TsflannelError';
    this.code = code;
    this.exit = row.exit;
    this.why = fill(row.why, details);
    this.fix = row.fix.map((line) => fill(line, details));
  }
}

/** An error whose code is found out at run time only. What its texts ask for beyond these details stays open. */
export const errorOf = (code: ErrorCode, details: Values): TsflannelError =>
  new TsflannelError(code, details as Details<ErrorCode>);

/** Anything thrown, as one of ours. */
export const asTsflannelError = (error: unknown): TsflannelError =>
  error instanceof TsflannelError
    ? error
    : new TsflannelError('INTERNAL', { detail: error instanceof Error ? error.message : String(error) }, error);
