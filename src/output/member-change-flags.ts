import { Flags } from '@oclif/core';
import { dryRunFlag, etcdFlags } from './flags.ts';

/** Flags of the commands that change the members of a cluster. */
export const changeFlags = {
  ...etcdFlags,
  ...dryRunFlag,
  force: Flags.boolean({ description: 'in spite of what the check of the cluster says; it may lose its majority' }),
};

/** Flags of those that bring a new member. */
export const newcomerFlags = {
  'peer-url': Flags.string({ description: 'where the other members reach the new one', required: true }),
  voter: Flags.boolean({ description: 'let it vote at once, and count as down until it starts (default: a learner)' }),
};

export const yesFlag = { yes: Flags.boolean({ char: 'y', description: 'do not ask', env: 'TSFLANNEL_YES' }) };
