import { Flags } from '@oclif/core';
import { dockerPlaceFlags } from './docker-flags.ts';
import { listFlag } from './format.ts';
import { lookFlags } from './look-flags.ts';

/** Flags of `doctor`. */
export const doctorFlags = {
  ...lookFlags,
  ...listFlag,
  'config-file': dockerPlaceFlags['config-file'],
  'docker-socket': dockerPlaceFlags['docker-socket'],
  all: Flags.boolean({ char: 'a', description: 'show what is well, too' }),
  check: Flags.string({ description: 'only this check; may be given again', multiple: true }),
  list: Flags.boolean({ description: 'list the checks, look at nothing' }),
  junit: Flags.boolean({ description: 'print JUnit XML', exclusive: ['json', 'list', 'output'] }),
  fix: Flags.boolean({ description: 'do the fixes that can do no harm, after showing them' }),
  yes: Flags.boolean({ char: 'y', description: 'do not ask', dependsOn: ['fix'], env: 'TSFLANNEL_YES' }),
  'dry-run': Flags.boolean({ description: 'with --fix: show what would be done', dependsOn: ['fix'] }),
};
