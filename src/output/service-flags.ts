import { Args, Flags } from '@oclif/core';

export const serviceFlags = {
  init: Flags.option({ options: ['systemd', 'openrc', 'sysvinit'] as const })({
    description: 'which init to write for (default: the one that is here)',
  }),
  root: Flags.string({ description: 'folder of an image to write into; nothing is started' }),
};

/** What stands behind `--`. */
export const upArgs = {
  flags: Args.string({ description: 'flags for up, behind --', multiple: true }),
};
