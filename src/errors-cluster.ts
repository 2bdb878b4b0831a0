/** Rows of the error table (errors.ts) about making an etcd cluster and caring for it. */
export interface ErrorEntry {
  readonly exit: number;
  readonly what: string;
  readonly why: string;
  readonly fix: readonly string[];
}

/** One row. The texts keep their literal types: which details they need is checked where the error is made. */
export const entry = <const W extends string, const Y extends string, const F extends readonly string[]>(
  exit: number,
  what: W,
  why: Y,
  ...fix: F
) => ({ exit, what, why, fix });

export const CLUSTER_ERRORS = {
  PKI_INVALID: entry(2, 'the certificates are not usable', '{detail}', 'tsflannel init --help'),
  CERT_EXPIRED: entry(
    5,
    'a certificate has expired between here and {endpoints}',
    '{detail}',
    'tsflannel etcd status',
    'tsflannel join --help',
    'timedatectl status',
  ),
  CERT_NOT_YET_VALID: entry(
    5,
    'a certificate is not yet valid between here and {endpoints}: a clock is wrong',
    '{detail}',
    'timedatectl status',
    'tsflannel etcd status',
  ),
  CA_NEEDED: entry(
    2,
    'TLS needs a CA that all members share',
    '{detail}',
    'tsflannel init --ca-cert ca.crt --ca-key ca.key --help',
    'tsflannel init --insecure --help',
    'tsflannel join --help',
  ),
  JOIN_TOKEN: entry(2, 'this is not a join token', '{detail}', 'tsflannel token create'),
  JOIN_REFUSED: entry(
    5,
    'the cluster refuses this join token',
    '{detail}',
    'tsflannel token list',
    'tsflannel token create',
  ),
  JOIN_CA: entry(
    5,
    'the host at {address} is not the one that made the token',
    '{detail}; nothing was sent to it',
    'tsflannel token create',
  ),
  JOIN_UNREACHABLE: entry(
    69,
    'no join service answers at {address}',
    '{detail}',
    'tsflannel etcd status',
    'tsflannel join --help',
  ),
  JOIN_FAILED: entry(1, 'the join did not come to its end', '{detail}', 'tsflannel join --help'),
  SERVICE: entry(1, 'the service could not be set up or taken away', '{detail}', 'tsflannel service status'),
  SYSTEMD: entry(1, 'systemd does not run the member', '{detail}', 'tsflannel init --help'),
  NO_CA_KEY: entry(
    3,
    'this host has no CA key: it may not make join tokens',
    'there is no {file}; the host that ran tsflannel init has it',
    'tsflannel token create --help',
  ),
  DISCOVERY_FULL: entry(6, 'the discovery URL or token is used up', '{detail}', 'tsflannel discovery new --help'),
  DISCOVERY_NAME_TAKEN: entry(
    6,
    'the name {name} is taken at the discovery service',
    '{detail}',
    'tsflannel init --help',
  ),
  DISCOVERY_INVALID: entry(2, 'this is not a discovery URL or token', '{detail}', 'tsflannel discovery new --help'),
  DISCOVERY_VERSION: entry(
    2,
    'the etcd at {address} does not speak this kind of discovery',
    '{detail}',
    'tsflannel discovery new --help',
    'tsflannel discovery serve --help',
  ),
  DISCOVERY_SRV: entry(
    3,
    'the DNS of {domain} does not name the members of a cluster',
    '{detail}',
    'tsflannel init --discovery-srv example.com --help',
  ),
  DISCOVERY_UNREACHABLE: entry(69, 'the discovery service does not answer', '{detail}', 'tsflannel init --help'),
  LISTEN_FAILED: entry(6, 'cannot listen on {address}', '{detail}', 'tsflannel discovery serve --help'),
  FOLDER_IN_USE: entry(
    6,
    'the folder {dir} is in use',
    'process {pid} keeps its registries there',
    'tsflannel discovery serve --help',
  ),
  ETCD_NOSPACE: entry(
    6,
    'etcd takes no writes: its database is at the quota',
    '{detail}',
    'tsflannel etcd compact',
    'tsflannel etcd defrag',
    'tsflannel etcd alarm disarm',
  ),
  ETCD_UNSAFE: entry(
    6,
    'this would endanger the etcd cluster',
    '{detail}',
    'tsflannel etcd status',
    '{command} --force',
  ),
  ETCD_MEMBER_UNKNOWN: entry(3, 'the cluster has no member {name}', 'it has {detail}', 'tsflannel etcd member list'),
  SCHEDULE_NOWHERE: entry(
    3,
    'nothing on this host could take snapshots by itself',
    'systemd does not run here, and no etcd member is managed at {dir}',
    'tsflannel etcd snapshot save --dir /var/backups/tsflannel',
    'tsflannel init --help',
  ),
  SNAPSHOT_INVALID: entry(1, '{file} is no whole snapshot', '{detail}', 'tsflannel etcd snapshot save --help'),
  FILE_EXISTS: entry(6, '{file} is there already', 'it would be overwritten', '{command} --force'),
  ETCD_RUNNING: entry(6, 'the etcd member of this host runs', '{detail}', 'tsflannel etcd stop'),
  KEY_MISSING: entry(3, 'there is no key {key} in etcd', '{detail}', 'tsflannel etcd get'),
  KEY_OUTSIDE: entry(2, "{key} is not one of flannel's keys", 'they begin with {prefix}/', '{command} --all'),
  KEY_CHANGED: entry(6, '{key} was changed by somebody else meanwhile', 'nothing was written', 'tsflannel etcd get'),
  IMPORT_CONFLICT: entry(
    6,
    'etcd has another network config at {key} already',
    '{detail}',
    'tsflannel config get',
    '{command} --force',
  ),
  IMPORT_FAILED: entry(
    1,
    'this is no v2 store with a network config in it',
    '{detail}',
    'tsflannel config import --help',
  ),
} as const satisfies Record<string, ErrorEntry>;
