/** Rows of the error table (errors.ts) about making an etcd cluster and caring for it. */
export interface ErrorEntry {
  readonly exit: number;
  readonly what: string;
  readonly why: string;
  readonly fix: readonly string[];
}

export const entry = (exit: number, what: string, why: string, ...fix: string[]): ErrorEntry => ({
  exit,
  what,
  why,
  fix,
});

export const CLUSTER_ERRORS = {
  PKI_INVALID: entry(2, 'the certificates are not usable', '{detail}', 'tsflannel init --help'),
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
  NO_CA_KEY: entry(
    3,
    'this host has no CA key: it may not make join tokens',
    'there is no {file}; the host that ran tsflannel init has it',
    'tsflannel token create --help',
  ),
} as const satisfies Record<string, ErrorEntry>;
