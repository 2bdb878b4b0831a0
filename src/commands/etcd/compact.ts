import { Flags } from '@oclif/core';
import { TsflannelError } from '../../errors.ts';
import { compact } from '../../etcd/care.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { dryRunFlag, etcdFlags } from '../../output/flags.ts';

export default class EtcdCompact extends TsflannelCommand {
  static override summary = 'Forget the history of the keys before a revision.';
  static override description =
    'Forget what was overwritten or deleted in etcd before a revision, by default all of it. Keys as they are now stay.\n' +
    'The space becomes free for etcd; etcd defrag gives it back to the file system.';
  static override examples = ['<%= config.bin %> etcd compact', '<%= config.bin %> etcd compact --revision 120000'];
  static override flags = {
    ...etcdFlags,
    ...dryRunFlag,
    revision: Flags.string({ description: 'keep the history from this revision on (default: now)' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(EtcdCompact);
    const { careParts } = await import('../../host/care.ts');
    const given = flags.revision;
    if (given !== undefined && !/^[1-9][0-9]{0,17}$/.test(given))
      throw new TsflannelError('USAGE', { detail: `--revision ${given}: a whole number is expected` });
    const dryRun = flags['dry-run'];
    const revision = await compact(await careParts(flags), given === undefined ? undefined : BigInt(given), dryRun);
    const text = `${dryRun ? 'dry run: ' : ''}the history before revision ${revision} is forgotten`;
    return { data: { revision, dryRun }, text };
  }
}
