import { Args, Flags } from '@oclif/core';
import { dryRunFlag, etcdFlags } from './flags.ts';

/** Flags of the commands on single keys of etcd. */
export const keyFlags = {
  ...etcdFlags,
  all: Flags.boolean({ description: "any key of etcd, not only flannel's" }),
};

/** Of those that write. */
export const keyChangeFlags = {
  ...keyFlags,
  yes: Flags.boolean({ char: 'y', description: 'do not ask', env: 'TSFLANNEL_YES' }),
  ...dryRunFlag,
};

export const keyArg = (required: boolean) =>
  Args.string({ description: 'name below the prefix (config, subnets/10.5.1.0-24) or whole key', required });
