import type { ErrorCode } from '../errors.ts';

/** The gravest first. `error`: what does not mend itself; `debug`: of use to who looks for a fault. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What an event in the daemon's log means: its name is stable, its text is not. */
export interface LogEvent {
  readonly level: LogLevel;
  readonly what: string;
  readonly why: string;
  /** Commands that show more, or mend it. */
  readonly fix: readonly string[];
}

const info = (what: string, why: string, ...fix: string[]): LogEvent => ({ level: 'info', what, why, fix });
const warn = (what: string, why: string, ...fix: string[]): LogEvent => ({ level: 'warn', what, why, fix });

const error = (what: string, why: string, ...fix: string[]): LogEvent => ({ level: 'error', what, why, fix });
const debug = (what: string, why: string, ...fix: string[]): LogEvent => ({ level: 'debug', what, why, fix });

/** Every event of the daemon's log, by name. */
export const LOG_EVENTS = {
  pass: debug(
    'the daemon compared what is wanted with what the kernel has',
    'something changed, here or in etcd; the line says how many steps were needed',
    'tsflannel plan',
  ),
  'log-level': error(
    'the daemon logs more or less from now on',
    'it was sent SIGUSR1; it is said at every level',
    'tsflannel up --help',
  ),
  lease: info('this node has a subnet', 'taken at the start: found again, on disk, or new', 'tsflannel leases'),
  ready: info('subnet.env and routes are in place', 'Docker and others may start now', 'tsflannel status'),
  stopping: info('the daemon ends', 'it was told to; routes stay, so that packets still flow', 'tsflannel down --help'),
  waiting: warn(
    'the daemon cannot begin yet',
    'etcd does not answer, there is no network config, or no interface fits',
    'tsflannel doctor',
  ),
  cached: warn(
    'the daemon begins with the view it kept on disk',
    'etcd was away at its start; nodes that came since are not known yet',
    'tsflannel etcd status',
  ),
  'cache-confirmed': info(
    'etcd is back, and its view took the place of the one on disk',
    'etcd answers again',
    'tsflannel routes',
  ),
  'cache-refused': warn(
    'the view on disk is not used',
    'it is damaged, of another node or of another version',
    'tsflannel etcd status',
  ),
  'cache-failed': error(
    'the view could not be kept on disk',
    'the state folder is full or cannot be written: a start without etcd would fail',
    'tsflannel doctor --check folders',
  ),
  'state-not-written': error(
    'who this node is could not be kept on disk',
    'the state folder is full or cannot be written: after a restart it may get another subnet',
    'tsflannel doctor --check folders',
  ),
  'etcd-connected': info(
    'the daemon is connected to etcd',
    'it learns of changes from now on',
    'tsflannel etcd status',
  ),
  'etcd-lost': warn(
    'the connection to etcd is lost',
    'etcd ended, hangs, or cannot be reached; packets flow on, and the daemon tries again',
    'tsflannel etcd status',
    'tsflannel doctor',
  ),
  'config-changed': warn(
    'the network config in etcd was changed',
    'a node that runs keeps to the one that it began with; it follows at its next start',
    'tsflannel config get',
    'tsflannel plan',
  ),
  'path-narrow': warn(
    'a link to a peer takes smaller packets than containers send',
    'TCP is made to fit; larger datagrams of containers are lost',
    'tsflannel doctor --check path-mtu',
    'tsflannel config set --backend-option MTU=1450 --help',
  ),
  gateway: info(
    'this node became a gateway for hosts outside the network, or is one no more',
    'somebody ran gateway enable or gateway disable',
    'tsflannel status',
    'tsflannel routes',
  ),
  certificate: info(
    'the certificate by which this host reaches etcd was renewed, or could not be',
    'it is renewed before it ends, and tried again where that fails',
    'tsflannel etcd status',
    'tsflannel doctor --check etcd-expiry',
  ),
  'etcd-replaced': warn(
    'etcd has other data than before',
    'it was restored from an older snapshot, or another cluster answers; peers that are missing are kept for 10 s',
    'tsflannel etcd status',
    'tsflannel leases',
  ),
  docker: info('Docker is being given the leased subnet', 'up --docker follows the lease', 'tsflannel docker status'),
  'docker-switched': info('Docker has the leased subnet', 'up --docker follows the lease', 'tsflannel docker status'),
  'docker-failed': error(
    'Docker could not be given the leased subnet',
    'the line says why; it is tried again',
    'tsflannel docker status',
    'tsflannel docker apply',
  ),
  'lease-held': info('the lease is sure again', 'it was renewed or taken again after a doubt', 'tsflannel leases'),
  'lease-announced': info('peers are told a new address of this node', 'its address has changed', 'tsflannel leases'),
  'lease-doubtful': warn(
    'the lease could not be renewed',
    'etcd does not answer; the lease holds until its time is over',
    'tsflannel etcd status',
  ),
  'lease-lost': warn(
    'the lease is gone, and is being taken again',
    'its time ended while etcd was away, or somebody deleted it',
    'tsflannel leases',
  ),
  'lease-overwritten': warn(
    'somebody else wrote to our lease',
    'another program, or a copy of this node, uses our key; it is written back',
    'tsflannel doctor --check node-id-unique --check flanneld',
  ),
  'subnet-changed': warn(
    'this node has another subnet than before',
    'its old one was given to another node meanwhile: containers have to be started anew',
    'tsflannel docker apply',
  ),
  'node-id-cloned': warn(
    'another machine has this node’s id',
    'one disk is a copy of the other; this node takes a new id and another subnet',
    'tsflannel leases',
  ),
  'peer-joined': info('another node has a lease', 'it came up', 'tsflannel routes'),
  'peer-left': info('a node’s lease is gone', 'it went down, or its time was over', 'tsflannel routes'),
  'peers-changed': info(
    'many nodes came or went at once',
    'a large cluster is starting, or etcd is back',
    'tsflannel routes',
  ),
  'peers-not-asked': warn(
    'peers are not asked whether packets pass',
    'the kernel does not let us open a raw socket',
    'tsflannel up --help',
  ),
  'removals-held': warn(
    'routes to peers that vanished are kept for now',
    'more than half of them vanished at once: etcd is asked again before they are removed',
    'tsflannel leases',
    'tsflannel etcd status',
  ),
  'removals-confirmed': info(
    'the peers that vanished are really gone',
    'a second list of etcd says so',
    'tsflannel routes',
  ),
  'apply-failed': warn(
    'the kernel refused a change',
    'the line says which and why; it is tried again',
    'tsflannel plan',
  ),
  'pass-failed': warn(
    'the daemon could not look at the kernel',
    'a tool is missing or hangs, or memory is short; it tries again',
    'tsflannel doctor',
  ),
  'underlay-away': warn(
    'the underlay’s interface is gone',
    'it was deleted, has lost its address, or is down; the daemon waits for it',
    'ip -brief address',
    'tsflannel doctor --check interface',
  ),
  'underlay-changed': info(
    'the underlay’s address or MTU is another',
    'DHCP, a new card, or somebody changed it',
    'tsflannel status',
  ),
} as const satisfies Readonly<Record<string, LogEvent>>;

export type LogEventName = keyof typeof LOG_EVENTS;

/** Writes one line of the daemon's log; `code`: of the error that it tells of. */
export type Log = (event: LogEventName, detail: string, code?: ErrorCode) => void;
