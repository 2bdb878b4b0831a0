import { Args, Flags } from '@oclif/core';
import { newcomer, nextSteps, replaceMember, target } from '../../../etcd/change.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { confirm } from '../../../output/confirm.ts';
import { changeFlags, newcomerFlags, yesFlag } from '../../../output/member-change-flags.ts';

export default class EtcdMemberReplace extends TsflannelCommand {
  static override summary = 'Replace a lost member of the etcd cluster.';
  static override description =
    'Replace a lost member: it is removed, its successor is added as a learner, and what to type on its host is said.\n' +
    'Refused while the member is healthy, and where those that stay have no majority.';
  static override examples = [
    '<%= config.bin %> etcd member replace node-3 --peer-url http://10.0.0.9:2380 --yes',
    '<%= config.bin %> etcd member replace node-3 --name node-9 --peer-url http://10.0.0.9:2380',
  ];
  static override args = {
    member: Args.string({ description: 'name, id or peer URL of the lost one', required: true }),
  };
  static override flags = {
    name: Flags.string({ description: 'name of its successor (default: the same)' }),
    ...newcomerFlags,
    ...changeFlags,
    ...yesFlag,
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(EtcdMemberReplace);
    const { changeParts } = await import('../../../host/care.ts');
    const parts = await changeParts(flags);
    const found = await target(parts, args.member, { to: 'replace', force: flags.force });
    const gone = found.row.id.toString(16);
    const member = newcomer(flags.name ?? (found.row.name || args.member), flags['peer-url'], !flags.voter);
    const does = `${found.row.name} (${gone}, ${found.row.status}) is removed for good, ${member.name} is added`;
    if (flags['dry-run']) return { data: { changed: true, dryRun: true, removed: gone }, text: `dry run: ${does}` };
    await confirm(does, flags.yes);
    const added = await replaceMember(parts, found, member);
    const id = added.id?.toString(16) ?? null;
    const next = nextSteps(member, added);
    return {
      data: { changed: true, dryRun: false, removed: gone, id, initialCluster: added.initialCluster, next },
      text: [`${gone} is removed, ${member.name} is added (${id})`, ...next].join('\n'),
    };
  }
}
