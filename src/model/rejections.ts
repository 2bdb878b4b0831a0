/** What it means that a lease or the network config in etcd is refused: codes are stable, details are not. */
interface RejectionMeaning {
  readonly what: string;
  readonly why: string;
  /** Commands that show more, or mend it. */
  readonly fix: readonly string[];
}

/** A lease: it costs its own node the routes of the others, and nobody else anything. */
const lease = (what: string, why: string): RejectionMeaning => ({
  ...{ what, why },
  fix: ['tsflannel leases', 'tsflannel etcd get subnets/'],
});

/** The config: nodes that run keep the last good one, others do not start. */
const config = (what: string, why: string): RejectionMeaning => ({
  ...{ what, why },
  fix: ['tsflannel config get', 'tsflannel config set --help'],
});

/** Every reason why a value in etcd is not believed, by code. */
export const REJECTIONS = {
  SUBNET_KEY: lease('a key below subnets/ is not a subnet', 'keys are 10.5.1.0-24: somebody else wrote it, or erred'),
  SUBNET_OUTSIDE: lease('a lease outside the network', 'it is of a former network, or of another cluster'),
  SUBNET_SIZE: lease('a lease of a large part of the network', 'nobody leases so much: it would draw others’ packets'),
  SUBNET_GRID: lease('a lease that begins off the boundaries', 'it was written for another SubnetLen, or by hand'),
  SUBNET_OVERLAP: lease('a lease of a subnet that an older one holds', 'the older one counts: one key per subnet'),
  PUBLIC_IP: lease(
    'a lease without a node’s address',
    'PublicIP is where packets are sent to; a multicast or inner one is none',
  ),
  BACKEND_TYPE: lease(
    'a backend that is not known',
    'BackendType is written by the node; here it is damaged, or of a newer version',
  ),
  BACKEND_DATA: lease('a vxlan lease without BackendData', 'without VNI and MAC frames cannot be addressed'),
  VTEP_MAC: lease('a vxlan lease without a unicast MAC', 'a multicast MAC would go to all'),
  VNI: lease('a vxlan lease with an impossible VNI', 'VNIs have 24 bits'),
  TOO_LARGE: lease('a value that is far too long', 'no lease has more than a few hundred bytes; it is not parsed'),
  NOT_JSON: lease('a value that is no JSON', 'it is damaged, or was put there to do harm; it is never executed'),
  NOT_AN_OBJECT: lease('a value that is JSON, but no object', 'a lease has names and values'),
  NETWORK: config('the network is missing or no IPv4 network', 'Network is a.b.c.d/len'),
  NETWORK_TOO_SMALL: config('the network has no room for nodes', 'each node leases a subnet of it'),
  SUBNET_LEN: config('SubnetLen does not fit the network', 'each node leases a subnet of that length'),
  SUBNET_BOUND: config('SubnetMin or SubnetMax does not fit', 'both are first addresses of subnets within the network'),
  IPV4_DISABLED: config('the config is for IPv6 only', 'this version leases IPv4 subnets'),
  HOST_BITS: config('the network is no first address', 'it is taken as the network it lies in'),
  UNKNOWN_KEY: config('the config has a key that flannel does not know', 'it is left alone; perhaps it is misspelt'),
  BACKEND: config('Backend is no object', 'it has a Type and options'),
  BACKEND_OPTION: config('an option of the backend is not valid', 'the message says which, and what is expected'),
} as const satisfies Record<string, RejectionMeaning>;
