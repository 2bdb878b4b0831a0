import { Flags } from '@oclif/core';
import { nodeFlags } from './flags.ts';

/** What `bench` measures, and for how long. */
export const planFlags = {
  seconds: Flags.integer({ description: 'length of each measurement', default: 3, min: 1, max: 60, helpGroup: 'PLAN' }),
  'small-rate': Flags.integer({
    description: 'UDP datagrams of 64 bytes a second',
    ...{ default: 100_000, min: 100, max: 10_000_000, helpGroup: 'PLAN' },
  }),
  'large-rate': Flags.integer({
    description: 'UDP datagrams of 1,400 bytes a second',
    ...{ default: 50_000, min: 100, max: 10_000_000, helpGroup: 'PLAN' },
  }),
};

/** Flags of `bench`. */
export const benchFlags = {
  server: Flags.boolean({ description: 'be measured: wait for one client, then end', exclusive: ['lab'] }),
  listen: Flags.string({
    description: "address to listen on (default: this node's own in the overlay)",
    ...{ helpValue: 'IP', dependsOn: ['server'], helpGroup: 'SERVER' },
  }),
  underlay: Flags.boolean({
    description: 'listen on the underlay address too, so that the overlay can be compared with it',
    ...{ dependsOn: ['server'], helpGroup: 'SERVER' },
  }),
  wait: Flags.integer({
    description: 'seconds to wait for the client',
    ...{ default: 600, min: 1, max: 86_400, helpGroup: 'SERVER' },
  }),
  code: Flags.string({
    description: 'the one-time code (of a server: instead of one it makes)',
    env: 'TSFLANNEL_BENCH_CODE',
    noCacheDefault: true,
  }),
  port: Flags.integer({
    description: 'TCP port of the server; the data use the next one, by TCP and UDP',
    ...{ default: 8286, min: 1, max: 65_534 },
  }),
  'run-dir': nodeFlags['run-dir'],
  lab: Flags.string({ description: 'measure between two nodes of this lab', helpValue: 'NAME', helpGroup: 'LAB' }),
  from: Flags.string({ description: 'node that sends', default: 'n1', helpGroup: 'LAB' }),
  to: Flags.string({ description: 'node that receives', default: 'n2', helpGroup: 'LAB' }),
  ...planFlags,
};
