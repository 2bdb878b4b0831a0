import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { memberPaths } from '../../../etcd/paths.ts';
import { readSchedule } from '../../../etcd/schedule.ts';
import { HEADS, inspectSnapshots, snapshotCells, snapshotData, snapshotLines } from '../../../etcd/snapshot-report.ts';
import { SNAPSHOT_DIR } from '../../../etcd/snapshots.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { listFlag } from '../../../output/format.ts';
import { memberDirFlags } from '../../../output/member-flags.ts';
import { snapshotDirFlag } from '../../../output/snapshot-flags.ts';
import { table } from '../../../output/table.ts';

export default class EtcdSnapshotList extends TsflannelCommand {
  static override summary = 'Show the snapshots in a folder, and the schedule of this host.';
  static override description =
    'Show the snapshots that etcd snapshot save --dir and the schedule took, the newest first, and the schedule of this host.\n' +
    'Exits 8 when one is overdue, or, with --verify, when one is damaged.';
  static override examples = ['<%= config.bin %> etcd snapshot list', '<%= config.bin %> etcd snapshot list --verify'];
  static override flags = {
    ...listFlag,
    dir: snapshotDirFlag,
    verify: Flags.boolean({ description: 'read each whole and check its sha256' }),
    ...memberDirFlags,
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(EtcdSnapshotList);
    const schedule = await readSchedule((await memberPaths(flags)).dataDir);
    const dir = resolve(flags.dir ?? schedule?.dir ?? SNAPSHOT_DIR);
    const seen = await inspectSnapshots(dir, schedule, flags.verify);
    const head = seen.snapshots.length === 0 ? `no snapshots in ${dir}` : table(HEADS, snapshotCells(seen));
    return {
      data: snapshotData(seen),
      list: 'snapshots',
      text: [head, ...snapshotLines(seen)].join('\n'),
      exit: seen.well ? 0 : 8,
    };
  }
}
