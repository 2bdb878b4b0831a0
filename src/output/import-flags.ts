import { Flags } from '@oclif/core';
import { dryRunFlag, etcdFlags } from './flags.ts';

/** Flags of `config import`. */
export const importFlags = {
  'from-v2': Flags.string({
    description: 'a member whose v2 API is on (etcd up to 3.5, --enable-v2)',
    required: true,
  }),
  'v2-prefix': Flags.string({ description: "prefix of flannel's keys there (default: the same as in v3)" }),
  'v2-cafile': Flags.string({ description: 'CA certificate file of the old cluster' }),
  'v2-certfile': Flags.string({
    description: 'client certificate file for the old cluster',
    dependsOn: ['v2-keyfile'],
  }),
  'v2-keyfile': Flags.string({ description: 'its key file', dependsOn: ['v2-certfile'] }),
  force: Flags.boolean({ description: 'overwrite what the v3 store has' }),
  ...dryRunFlag,
  yes: Flags.boolean({ char: 'y', description: 'do not ask', env: 'TSFLANNEL_YES' }),
  ...etcdFlags,
};
