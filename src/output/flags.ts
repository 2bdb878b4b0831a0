import { Flags } from '@oclif/core';

/** flanneld's etcd flags, by its names; each has TSFLANNEL_… and FLANNELD_… twins in the environment, some an ETCDCTL_… one (model/environment.ts joins them). */
export const etcdFlags = {
  'etcd-endpoints': Flags.string({
    description: 'etcd endpoints, separated by commas (default: client.json, then http://127.0.0.1:2379)',
    env: 'TSFLANNEL_ETCD_ENDPOINTS',
    helpGroup: 'ETCD',
  }),
  'etcd-prefix': Flags.string({
    description: "prefix of flannel's keys (default: client.json, then /coreos.com/network)",
    env: 'TSFLANNEL_ETCD_PREFIX',
    helpGroup: 'ETCD',
  }),
  'etcd-cafile': Flags.string({ description: 'CA certificate file', env: 'TSFLANNEL_ETCD_CAFILE', helpGroup: 'ETCD' }),
  'etcd-certfile': Flags.string({
    description: 'client certificate file',
    env: 'TSFLANNEL_ETCD_CERTFILE',
    helpGroup: 'ETCD',
  }),
  'etcd-keyfile': Flags.string({ description: 'client key file', env: 'TSFLANNEL_ETCD_KEYFILE', helpGroup: 'ETCD' }),
  'etcd-username': Flags.string({ description: 'etcd user', env: 'TSFLANNEL_ETCD_USERNAME', helpGroup: 'ETCD' }),
  'etcd-password': Flags.string({
    description:
      'etcd password; better given by TSFLANNEL_ETCD_PASSWORD, since every user of the host can read a command line',
    env: 'TSFLANNEL_ETCD_PASSWORD',
    noCacheDefault: true,
    helpGroup: 'ETCD',
  }),
  'config-dir': Flags.string({
    description: 'folder of client.json',
    default: '/etc/tsflannel',
    env: 'TSFLANNEL_CONFIG_DIR',
    helpGroup: 'ETCD',
  }),
};

/** Of commands that change something: the checks are made all the same. */
export const dryRunFlag = {
  'dry-run': Flags.boolean({ default: false, description: 'say what would change, change nothing' }),
};

/** Folders of one node; several nodes on one machine each have their own. */
export const nodeFlags = {
  'state-dir': Flags.string({
    description: 'folder of what the node remembers (its id)',
    default: '/var/lib/tsflannel',
    env: 'TSFLANNEL_STATE_DIR',
    helpGroup: 'NODE',
  }),
  'run-dir': Flags.string({
    description: 'folder of the control socket and pid file',
    default: '/run/tsflannel',
    env: 'TSFLANNEL_RUN_DIR',
    helpGroup: 'NODE',
  }),
};

/** Where subnet.env is. */
export const subnetFileFlag = {
  'subnet-file': Flags.string({
    description: 'file the subnet and MTU are written to',
    default: '/run/flannel/subnet.env',
    env: 'TSFLANNEL_SUBNET_FILE',
    helpGroup: 'NODE',
  }),
};

export type EtcdFlags = { readonly [K in keyof typeof etcdFlags]: string | undefined } & {
  readonly 'config-dir': string;
};
