import { Flags } from '@oclif/core';

const group = { helpGroup: 'FLANNELD' } as const;
const kube = (what: string) =>
  Flags.string({ description: `${what}: not yet, leases are kept in etcd only`, ...group });

/** flanneld's flags that have no counterpart of ours, so that its unit or start script works as it is. */
export const flanneldFlags = {
  'ip-masq-fully-random-disable': Flags.boolean({
    description: 'masquerade without --random-fully',
    allowNo: true,
    env: 'TSFLANNEL_IP_MASQ_FULLY_RANDOM_DISABLE',
    ...group,
  }),
  'iptables-forward-rules': Flags.boolean({
    description: 'accept what is forwarded from and to the network',
    allowNo: true,
    default: true,
    env: 'TSFLANNEL_IPTABLES_FORWARD_RULES',
    ...group,
  }),
  'iptables-resync': Flags.integer({
    description: 'taken and not needed: rules are healed when they change',
    env: 'TSFLANNEL_IPTABLES_RESYNC',
    ...group,
  }),
  'public-ipv6': Flags.string({
    description: 'taken and without effect: no IPv6 subnets are leased',
    env: 'TSFLANNEL_PUBLIC_IPV6',
    ...group,
  }),
  'ip-blackhole-route': Flags.boolean({
    description: "taken and without effect: the bridge's own route covers the subnet",
    allowNo: true,
    env: 'TSFLANNEL_IP_BLACKHOLE_ROUTE',
    ...group,
  }),
  v: Flags.string({ description: "klog's verbosity: taken and without effect", env: 'TSFLANNEL_V', ...group }),
  vmodule: Flags.string({ description: "klog's: taken and without effect", env: 'TSFLANNEL_VMODULE', ...group }),
  log_backtrace_at: Flags.string({
    description: "klog's: taken and without effect",
    env: 'TSFLANNEL_LOG_BACKTRACE_AT',
    ...group,
  }),
  version: Flags.boolean({ description: 'print the version and exit', allowNo: true, ...group }),
  'kube-subnet-mgr': Flags.boolean({
    description: 'leases in Kubernetes: not yet',
    allowNo: true,
    env: 'TSFLANNEL_KUBE_SUBNET_MGR',
    ...group,
  }),
  'kube-api-url': { ...kube('API server'), env: 'TSFLANNEL_KUBE_API_URL' },
  'kube-annotation-prefix': { ...kube('annotations'), env: 'TSFLANNEL_KUBE_ANNOTATION_PREFIX' },
  'kubeconfig-file': { ...kube('kubeconfig'), env: 'TSFLANNEL_KUBECONFIG_FILE' },
  'net-config-path': { ...kube('config from a file'), env: 'TSFLANNEL_NET_CONFIG_PATH' },
  'set-node-network-unavailable': Flags.boolean({
    description: 'a condition of Kubernetes nodes: not yet',
    allowNo: true,
    env: 'TSFLANNEL_SET_NODE_NETWORK_UNAVAILABLE',
    ...group,
  }),
};

/** Of flags that only mean something together with Kubernetes: what flanneld has where they are not given. */
export const KUBE_DEFAULTS = {
  'kube-subnet-mgr': false,
  'kube-api-url': '',
  'kube-annotation-prefix': 'flannel.alpha.coreos.com',
  'kubeconfig-file': '',
  'net-config-path': '/etc/kube-flannel/net-conf.json',
  'set-node-network-unavailable': true,
} as const;
