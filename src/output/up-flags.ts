import { Flags } from '@oclif/core';
import { CARRIER_WISHES } from '../model/backend-config.ts';
import { LOG_LEVELS } from '../model/log-events.ts';
import { upDockerFlags } from './docker-flags.ts';
import { etcdFlags, nodeFlags, subnetFileFlag } from './flags.ts';
import { flanneldFlags } from './flanneld-flags.ts';

/** Settings of the node, by flanneld's names where it has them. */
export const settingFlags = {
  ...etcdFlags,
  ...nodeFlags,
  ...subnetFileFlag,
  iface: Flags.string({
    description: 'underlay interface, by name or address; may be given several times, the first match is taken',
    multiple: true,
    env: 'TSFLANNEL_IFACE',
  }),
  'iface-regex': Flags.string({
    description: "pattern for the interface's name or address",
    multiple: true,
    env: 'TSFLANNEL_IFACE_REGEX',
  }),
  'iface-can-reach': Flags.string({
    description: 'take the interface of the route to this address',
    env: 'TSFLANNEL_IFACE_CAN_REACH',
  }),
  'node-name': Flags.string({
    description: 'name that routes and leases show for this node (default: the host name)',
    env: 'TSFLANNEL_NODE_NAME',
  }),
  'public-ip': Flags.string({ description: 'address the other nodes reach this one at', env: 'TSFLANNEL_PUBLIC_IP' }),
  'ip-masq': Flags.boolean({
    description: 'masquerade what leaves the network',
    allowNo: true,
    env: 'TSFLANNEL_IP_MASQ',
  }),
  'udp-carrier': Flags.string({
    description: 'what moves the packets of backend udp on this node (default: as the network config says)',
    options: [...CARRIER_WISHES],
    env: 'TSFLANNEL_UDP_CARRIER',
  }),
  'lease-ttl': Flags.string({
    description: 'how long the lease outlives this node, as 90s, 45m, 24h (5s to 365d; default: 24h, as flannel)',
    env: 'TSFLANNEL_LEASE_TTL',
  }),
  'ask-peers-every': Flags.string({
    description: 'how often each peer is asked by ICMP echo whether packets pass, as 5s, 1m; off: never',
    default: '5s',
    env: 'TSFLANNEL_ASK_PEERS_EVERY',
  }),
  'subnet-lease-renew-margin': Flags.integer({
    description: 'minutes the lease always has left',
    default: 60,
    min: 1,
    max: 1439,
    env: 'TSFLANNEL_SUBNET_LEASE_RENEW_MARGIN',
  }),
  'healthz-ip': Flags.string({
    description: 'address of the health port',
    default: '0.0.0.0',
    env: 'TSFLANNEL_HEALTHZ_IP',
  }),
  'healthz-port': Flags.integer({
    description: 'port of /healthz and /readyz; 0: none',
    default: 0,
    min: 0,
    max: 65_535,
    env: 'TSFLANNEL_HEALTHZ_PORT',
  }),
  'metrics-addr': Flags.string({
    description:
      'serve /metrics for Prometheus here, as 127.0.0.1:9101; a port alone means 127.0.0.1 (default: not at all)',
    env: 'TSFLANNEL_METRICS_ADDR',
  }),
  'log-format': Flags.string({
    description: 'lines of the log: text (with priorities where stderr is the journal of systemd), or JSON',
    options: ['text', 'json'],
    default: 'text',
    env: 'TSFLANNEL_LOG_FORMAT',
  }),
  'log-level': Flags.string({
    description: 'the least grave events that are logged; SIGUSR1 to the daemon moves on to the next level',
    options: [...LOG_LEVELS],
    default: 'info',
    env: 'TSFLANNEL_LOG_LEVEL',
  }),
};

/** flanneld's flags by its names, and ours. */
export const upFlags = {
  ...settingFlags,
  adopt: Flags.boolean({
    description: 'take over what a stopped flanneld left: its lease, device and MAC, routes, rules; no packet is lost',
  }),
  docker: Flags.boolean({
    description: 'keep Docker on the leased subnet: what docker apply does, whenever the lease or the MTU changes',
    env: 'TSFLANNEL_DOCKER',
    helpGroup: 'DOCKER',
  }),
  ...upDockerFlags,
  detach: Flags.boolean({ description: 'return when the node is ready; the daemon goes on in the background' }),
  timeout: Flags.integer({ description: 'seconds --detach waits', default: 60, min: 1 }),
  wait: Flags.boolean({
    description: 'wait for etcd and for a config instead of failing (default without a terminal)',
    allowNo: true,
  }),
  ...flanneldFlags,
};
