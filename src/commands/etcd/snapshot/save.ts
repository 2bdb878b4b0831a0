import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { TsflannelError } from '../../../errors.ts';
import { size } from '../../../etcd/members.ts';
import { lookAtSource, saveSnapshot } from '../../../etcd/snapshot.ts';
import { freeFile, SNAPSHOTS_KEPT, takeSnapshot } from '../../../etcd/snapshots.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { dryRunFlag, etcdFlags } from '../../../output/flags.ts';
import { keepFlag, snapshotDirFlag } from '../../../output/snapshot-flags.ts';

export default class EtcdSnapshotSave extends TsflannelCommand {
  static override summary = 'Save all of etcd into a file.';
  static override description =
    'Save all of etcd into a file, as etcdctl snapshot save does: streamed from one member, checked by its sha256, readable by root only.\n' +
    'With --dir the file is named by its time, and only the newest --keep of that folder stay.';
  static override examples = [
    '<%= config.bin %> etcd snapshot save /var/backups/etcd.db',
    '<%= config.bin %> etcd snapshot save --dir /var/backups/tsflannel --keep 28',
  ];
  static override args = { file: Args.string({ description: 'file to write' }) };
  static override flags = {
    ...etcdFlags,
    dir: snapshotDirFlag,
    keep: keepFlag,
    force: Flags.boolean({ description: 'write over a file that is there' }),
    ...dryRunFlag,
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(EtcdSnapshotSave);
    // The folder may stand in the environment; a file that was typed counts more.
    const dir = args.file === undefined && flags.dir !== undefined ? resolve(flags.dir) : undefined;
    if (args.file === undefined && dir === undefined)
      throw new TsflannelError('USAGE', { detail: 'a FILE or --dir is expected' });
    if (dir === undefined && flags.keep !== undefined)
      throw new TsflannelError('USAGE', { detail: '--keep goes with --dir' });
    const { careParts } = await import('../../../host/care.ts');
    const parts = await careParts(flags);
    const target = dir === undefined ? resolve(args.file ?? '') : await freeFile(dir);
    if (flags['dry-run']) {
      const { revision, dbSize } = await lookAtSource(parts, target, flags.force);
      const text = `dry run: ${size(dbSize)}, revision ${revision}, are saved as ${target}`;
      return { data: { file: target, revision, dbSize, dryRun: true }, text };
    }
    const { saved, removed } =
      dir === undefined
        ? { saved: await saveSnapshot(parts, target, flags.force), removed: [] }
        : await takeSnapshot(parts, { dir, keep: flags.keep ?? SNAPSHOTS_KEPT });
    const { file, bytes, revision } = saved;
    const lines = [
      `${file}: ${size(BigInt(bytes))}, revision ${revision}, sha256 verified`,
      ...removed.map((old) => `removed ${old}`),
    ];
    return { data: { ...saved, removed, dryRun: false }, text: lines.join('\n') };
  }
}
