import { Flags } from '@oclif/core';

/** Folder of the snapshots that are taken again and again. */
export const snapshotDirFlag = Flags.string({
  description:
    'folder of the snapshots, each named by its time (by default the schedule\u2019s: /var/backups/tsflannel)',
  env: 'TSFLANNEL_SNAPSHOT_DIR',
});

/** How many of them stay. */
export const keepFlag = Flags.integer({
  description: 'how many of the folder\u2019s snapshots to keep (default 28); older ones are removed',
  min: 1,
  max: 1000,
});
