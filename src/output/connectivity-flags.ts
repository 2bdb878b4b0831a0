import { Flags } from '@oclif/core';
import { etcdFlags, nodeFlags, subnetFileFlag } from './flags.ts';
import { listFlag } from './format.ts';

/** What `test connectivity` is told. */
export const connectivityFlags = {
  'run-dir': nodeFlags['run-dir'],
  'config-dir': etcdFlags['config-dir'],
  ...subnetFileFlag,
  ...listFlag,
  lab: Flags.string({ description: 'all pairs of the lab of this name', exclusive: ['answer', 'collect'] }),
  containers: Flags.boolean({
    description:
      'the way of containers too: from a namespace that is plugged into docker0 (or another bridge in the subnet) meanwhile, to containers of the other node',
    default: true,
    allowNo: true,
  }),
  answer: Flags.integer({
    description: 'only be found as a container of this node by the test on other nodes, for so many seconds',
    min: 1,
    max: 86_400,
  }),
  'load-rate': Flags.integer({
    description: 'packets a second of the load; 0: none',
    default: 1000,
    min: 0,
    max: 50_000,
  }),
  'load-seconds': Flags.integer({ description: 'how long the load lasts', default: 1, min: 1, max: 600 }),
  junit: Flags.string({ description: 'write a JUnit report to this file too' }),
  collect: Flags.string({ description: 'when a pair fails, write what `bundle` gathers on this node to this file' }),
};
