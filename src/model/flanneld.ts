/** The command line of flanneld v0.28.9 (its main.go): each flag, and whether it takes a value. */
export const FLANNELD_FLAGS = {
  'etcd-endpoints': 'value',
  'etcd-prefix': 'value',
  'etcd-keyfile': 'value',
  'etcd-certfile': 'value',
  'etcd-cafile': 'value',
  'etcd-username': 'value',
  'etcd-password': 'value',
  iface: 'value',
  'iface-regex': 'value',
  'iface-can-reach': 'value',
  'subnet-file': 'value',
  'public-ip': 'value',
  'public-ipv6': 'value',
  'subnet-lease-renew-margin': 'value',
  'ip-masq': 'boolean',
  'ip-masq-fully-random-disable': 'boolean',
  'kube-subnet-mgr': 'boolean',
  'kube-api-url': 'value',
  'kube-annotation-prefix': 'value',
  'kubeconfig-file': 'value',
  version: 'boolean',
  'healthz-ip': 'value',
  'healthz-port': 'value',
  'iptables-resync': 'value',
  'iptables-forward-rules': 'boolean',
  'ip-blackhole-route': 'boolean',
  'net-config-path': 'value',
  'set-node-network-unavailable': 'boolean',
  v: 'value',
  vmodule: 'value',
  log_backtrace_at: 'value',
} as const satisfies Readonly<Record<string, 'value' | 'boolean'>>;

export const isFlanneldFlag = (name: string): name is keyof typeof FLANNELD_FLAGS =>
  Object.hasOwn(FLANNELD_FLAGS, name);

/** What Go takes for a boolean. */
export function goBoolean(text: string): boolean | undefined {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(?:0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}
