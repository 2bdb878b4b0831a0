import { Args } from '@oclif/core';
import { promoteMember } from '../../../etcd/change.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { dryRunFlag, etcdFlags } from '../../../output/flags.ts';

export default class EtcdMemberPromote extends TsflannelCommand {
  static override description =
    'Let a learner vote. etcd refuses it while the learner has not caught up with the leader.';
  static override examples = ['<%= config.bin %> etcd member promote node-4'];
  static override args = { member: Args.string({ description: 'name, id or peer URL', required: true }) };
  static override flags = { ...etcdFlags, ...dryRunFlag };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(EtcdMemberPromote);
    const { changeParts } = await import('../../../host/care.ts');
    const dryRun = flags['dry-run'];
    const { row, changed } = await promoteMember(await changeParts(flags), args.member, dryRun);
    const data = { changed, dryRun, id: row.id.toString(16), name: row.name };
    const done = dryRun ? `dry run: ${row.name} is given a vote` : `${row.name} votes now`;
    return { data, text: changed ? done : `no change: ${row.name} votes already` };
  }
}
