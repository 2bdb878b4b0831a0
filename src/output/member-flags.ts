import { Flags } from '@oclif/core';
import { etcdFlags, nodeFlags } from './flags.ts';

const port = (description: string, env: string) => Flags.integer({ description, env, min: 1, max: 65_535 });

/** Where the etcd member of this host keeps its things. */
export const memberDirFlags = {
  'data-dir': Flags.string({
    description: 'data dir of the member (default: client.json, then /var/lib/tsflannel/etcd)',
    env: 'TSFLANNEL_DATA_DIR',
    helpGroup: 'NODE',
  }),
  'run-dir': nodeFlags['run-dir'],
  'config-dir': etcdFlags['config-dir'],
};

const CLUSTER = 'CLUSTER';

/** Where the registries of v3 discovery are. */
export const discoveryFlags = {
  'discovery-endpoints': Flags.string({
    description: 'v3 discovery: client URLs of the etcd that holds the registry, separated by commas',
    env: 'TSFLANNEL_DISCOVERY_ENDPOINTS',
    helpGroup: CLUSTER,
  }),
  'discovery-cacert': Flags.string({
    description: 'v3 discovery: CA certificate of that etcd (PEM)',
    env: 'TSFLANNEL_DISCOVERY_CACERT',
    helpGroup: CLUSTER,
  }),
  'discovery-cert': Flags.string({
    description: 'v3 discovery: certificate to show there (PEM)',
    env: 'TSFLANNEL_DISCOVERY_CERT',
    helpGroup: CLUSTER,
  }),
  'discovery-key': Flags.string({
    description: 'v3 discovery: its private key (PEM)',
    env: 'TSFLANNEL_DISCOVERY_KEY',
    helpGroup: CLUSTER,
  }),
};

/** What `init` and `join` both say of the member. */
const ownFlags = {
  name: Flags.string({ description: 'name of this member (default: the host name)', env: 'TSFLANNEL_NAME' }),
  'advertise-ip': Flags.string({
    description: "address of this host for members and clients (default: the default route's)",
    env: 'TSFLANNEL_ADVERTISE_IP',
  }),
  'client-port': port('port for clients (default 2379)', 'TSFLANNEL_CLIENT_PORT'),
  'peer-port': port('port for the other members (default 2380)', 'TSFLANNEL_PEER_PORT'),
  'join-port': port('port at which other hosts join (default 2381)', 'TSFLANNEL_JOIN_PORT'),
  'etcd-binary': Flags.string({
    description: 'the etcd program, 3.4 or newer, that runs here (default: etcd in PATH)',
    env: 'TSFLANNEL_ETCD_BINARY',
  }),
  systemd: Flags.boolean({
    description: 'a systemd unit runs etcd, at each boot too (default: a supervised background process)',
    env: 'TSFLANNEL_SYSTEMD',
  }),
  'dry-run': Flags.boolean({
    default: false,
    description: 'print what would be done, change nothing',
    env: 'TSFLANNEL_DRY_RUN',
  }),
  'wait-timeout': Flags.integer({
    description: 'seconds to wait until the cluster is healthy; 0 does not wait',
    default: 120,
    min: 0,
    max: 86_400,
    env: 'TSFLANNEL_WAIT_TIMEOUT',
  }),
  'etcd-prefix': etcdFlags['etcd-prefix'],
  ...memberDirFlags,
};

/** Flags of `join`. */
export const joinFlags = ownFlags;

/** Flags of `init`. Those that make up the member have no default here: what is not said is asked, or taken from the host. */
export const initFlags = {
  discovery: Flags.string({
    description: 'discovery URL of the cluster (v2 discovery protocol)',
    env: 'TSFLANNEL_DISCOVERY',
    helpGroup: CLUSTER,
  }),
  'new-discovery': Flags.string({
    description: 'address of a discovery service to ask for a new URL, which is printed and used',
    env: 'TSFLANNEL_NEW_DISCOVERY',
    helpGroup: CLUSTER,
  }),
  'discovery-token': Flags.string({
    description: "v3 discovery: the cluster's token, as discovery new prints it",
    env: 'TSFLANNEL_DISCOVERY_TOKEN',
    helpGroup: CLUSTER,
  }),
  ...discoveryFlags,
  'discovery-srv': Flags.string({
    description: 'domain whose DNS names the members (_etcd-server-ssl._tcp; with --insecure _etcd-server._tcp)',
    env: 'TSFLANNEL_DISCOVERY_SRV',
    helpGroup: CLUSTER,
  }),
  'discovery-srv-name': Flags.string({
    description: "more of the service's name: _etcd-server-ssl-NAME._tcp",
    env: 'TSFLANNEL_DISCOVERY_SRV_NAME',
    helpGroup: CLUSTER,
  }),
  size: Flags.integer({
    description:
      'number of members: for --new-discovery (default 3), or of join lines that init prints, less one (default 2)',
    env: 'TSFLANNEL_SIZE',
    helpGroup: CLUSTER,
  }),
  'initial-cluster': Flags.string({
    description: 'all members, as name=https://ADDRESS:2380,name=… (http:// with --insecure)',
    env: 'TSFLANNEL_INITIAL_CLUSTER',
    helpGroup: CLUSTER,
  }),
  insecure: Flags.boolean({
    description: 'plain http instead of TLS: for a lab, or a network that nobody else reaches',
    env: 'TSFLANNEL_INSECURE',
  }),
  auth: Flags.boolean({
    description:
      "turn etcd's authentication on, with a role for flannel's keys only; passwords by TSFLANNEL_ETCD_PASSWORD and TSFLANNEL_ETCD_ROOT_PASSWORD",
    env: 'TSFLANNEL_AUTH',
  }),
  'ca-cert': Flags.string({
    description: 'CA certificate (PEM) that all members share; without it a member alone makes a CA',
    env: 'TSFLANNEL_CA_CERT',
  }),
  'ca-key': Flags.string({ description: 'private key of --ca-cert (PEM)', env: 'TSFLANNEL_CA_KEY' }),
  network: Flags.string({
    description: 'also write the network config, for example 172.17.0.0/16',
    env: 'TSFLANNEL_NETWORK',
  }),
  yes: Flags.boolean({
    char: 'y',
    description: 'ask nothing: defaults for all that is not said',
    env: 'TSFLANNEL_YES',
  }),
  ...ownFlags,
};
