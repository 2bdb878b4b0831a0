import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { TsflannelError } from '../../../errors.ts';
import { memberPaths } from '../../../etcd/paths.ts';
import {
  EVERY_BOUNDS,
  endSchedule,
  findRunner,
  readSchedule,
  type Schedule,
  setSchedule,
} from '../../../etcd/schedule.ts';
import { scheduleText } from '../../../etcd/snapshot-report.ts';
import { SNAPSHOT_DIR, SNAPSHOTS_KEPT } from '../../../etcd/snapshots.ts';
import { parseDuration } from '../../../model/duration.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { dryRunFlag, etcdFlags } from '../../../output/flags.ts';
import { memberDirFlags } from '../../../output/member-flags.ts';
import { keepFlag, snapshotDirFlag } from '../../../output/snapshot-flags.ts';

const NEXT = 'tsflannel etcd snapshot list shows them';

export default class EtcdSnapshotSchedule extends TsflannelCommand {
  static override summary = 'Take snapshots of etcd again and again.';
  static override description =
    'Take snapshots of etcd again and again, the first at once, and keep the newest: by a systemd timer, or, without systemd, by the\n' +
    'process that supervises the etcd member. --off ends it; the snapshots stay.';
  static override examples = [
    '<%= config.bin %> etcd snapshot schedule',
    '<%= config.bin %> etcd snapshot schedule --every 1h --keep 48 --dir /srv/backups',
    '<%= config.bin %> etcd snapshot schedule --off',
  ];
  static override flags = {
    every: Flags.string({ description: 'time between two, as in 30m, 6h or 1d', default: '6h', exclusive: ['off'] }),
    keep: keepFlag,
    dir: snapshotDirFlag,
    off: Flags.boolean({ description: 'end the schedule' }),
    ...dryRunFlag,
    ...etcdFlags,
    ...memberDirFlags,
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(EtcdSnapshotSchedule);
    const paths = await memberPaths(flags);
    const dryRun = flags['dry-run'];
    if (flags.off) return off(paths.dataDir, dryRun);
    const everySeconds = parseDuration(flags.every) ?? 0;
    if (everySeconds < EVERY_BOUNDS.min || everySeconds > EVERY_BOUNDS.max)
      throw new TsflannelError('USAGE', { detail: `--every ${flags.every}: from 1m to 31d, as in 30m, 6h, 1d` });
    const runner = await findRunner(paths.dataDir);
    const { dir = SNAPSHOT_DIR, keep = SNAPSHOTS_KEPT } = flags;
    const schedule: Schedule = { runner, dir: resolve(dir), everySeconds, keep };
    const { scheduledCommand } = await import('../../../host/schedule.ts');
    const { checkSnapshots } = await import('../../../etcd/snapshot-service.ts');
    if (runner === 'supervisor') await checkSnapshots(paths.dataDir);
    const argv = runner === 'systemd' ? await scheduledCommand(flags, schedule, paths) : undefined;
    const text = `snapshots ${scheduleText(schedule)}`;
    const data = { schedule, command: argv ?? null, dryRun };
    if (dryRun) return { data: { changed: true, ...data }, text: `dry run: ${text}` };
    const changed = await setSchedule(paths, schedule, argv);
    return { data: { changed, ...data }, text: changed ? `${text}; ${NEXT}` : `no change: ${text}` };
  }
}

async function off(dataDir: string, dryRun: boolean): Promise<Result> {
  const changed = dryRun ? (await readSchedule(dataDir)) !== undefined : await endSchedule(dataDir);
  const done = dryRun ? 'dry run: the schedule ends; the snapshots stay' : 'the schedule has ended; the snapshots stay';
  return { data: { changed, schedule: null, dryRun }, text: changed ? done : 'no change: there is no schedule' };
}
