import { Args } from '@oclif/core';
import { promoteMember } from '../../../etcd/change.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { etcdFlags } from '../../../output/flags.ts';

export default class EtcdMemberPromote extends TsflannelCommand {
  static override description =
    'Let a learner vote. etcd refuses it while the learner has not caught up with the leader.';
  static override examples = ['<%= config.bin %> etcd member promote node-4'];
  static override args = { member: Args.string({ description: 'name, id or peer URL', required: true }) };
  static override flags = etcdFlags;

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(EtcdMemberPromote);
    const { changeParts } = await import('../../../host/care.ts');
    const { row, changed } = await promoteMember(await changeParts(flags), args.member);
    const data = { changed, id: row.id.toString(16), name: row.name };
    return { data, text: changed ? `${row.name} votes now` : `no change: ${row.name} votes already` };
  }
}
