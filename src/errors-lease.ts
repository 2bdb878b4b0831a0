import { type ErrorEntry, entry } from './errors-cluster.ts';

/** The rows of src/errors.ts about leases, and about who a node is. */
export const LEASE_ERRORS = {
  NO_FREE_SUBNET: entry(6, 'no subnet is free in {network}', 'all {count} are leased', 'tsflannel leases'),
  SUBNET_TAKEN: entry(6, '{subnet} is taken', 'another node leases it, or took it just now', 'tsflannel leases'),
  SUBNET_UNFIT: entry(2, '{subnet} is no subnet of {network}', 'the config hands out others', 'tsflannel config get'),
  NODE_UNKNOWN: entry(3, 'the node {node} is not known', '{detail}', 'tsflannel leases reserve --help'),
  PUBLIC_IP_TAKEN: entry(
    6,
    '{ip} is the address of {node} already',
    '{node} leases {subnet} and renews it; two nodes at one address would get each other’s packets',
    'tsflannel leases',
    'tsflannel up --help',
  ),
  NODE_ID_UNSURE: entry(
    69,
    'the view on disk is of another machine',
    'it was written by {node} at {ip}, and etcd does not answer whether that one lives',
    'tsflannel etcd status',
  ),
  NODE_ID_CLONED: entry(
    6,
    'this node has the id of {node}',
    '{node} at {ip} has the same id on another machine: one disk is a copy of the other',
    'tsflannel leases',
  ),
  GATEWAY_SOURCE_CHECK: entry(
    6,
    'the source check of this network keeps out what a routed gateway lets in',
    'SourceCheck is {check}: nodes take from a peer only what comes from its subnet',
    'tsflannel gateway enable --mode masquerade',
    'tsflannel config set --help',
  ),
  KUBE_NOT_YET: entry(
    2,
    '--{flag} is not served yet',
    'leases are kept in etcd; flanneld with --kube-subnet-mgr keeps them in Kubernetes',
    'tsflannel up --help',
  ),
  FLANNELD_RUNS: entry(
    6,
    'a flanneld still runs on this host (pid {pid})',
    'what a living flanneld uses cannot be taken over from it',
    'systemctl stop flanneld',
    'tsflannel up --adopt',
  ),
  SUBNETS_CONTESTED: entry(
    6,
    'no subnet of {network} could be won',
    'other nodes were quicker {rounds} times',
    'tsflannel leases',
  ),
} as const satisfies Record<string, ErrorEntry>;
