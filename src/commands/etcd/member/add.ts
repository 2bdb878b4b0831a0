import { Args } from '@oclif/core';
import { addMember, newcomer, nextSteps } from '../../../etcd/change.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { changeFlags, newcomerFlags } from '../../../output/member-change-flags.ts';

export default class EtcdMemberAdd extends TsflannelCommand {
  static override summary = 'Add a member to the etcd cluster, and say what to type on its host.';
  static override description =
    'Add a member to the etcd cluster and say what to type on its host. It comes in as a learner, which has no vote and endangers\n' +
    'nothing, until etcd member promote. Refused while another member is down or has not started. On a TLS cluster tsflannel join does\n' +
    'all of it, with certificates.';
  static override examples = ['<%= config.bin %> etcd member add node-4 --peer-url http://10.0.0.4:2380'];
  static override args = { name: Args.string({ description: 'name of the new member', required: true }) };
  static override flags = { ...newcomerFlags, ...changeFlags };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(EtcdMemberAdd);
    const { changeParts } = await import('../../../host/care.ts');
    const member = newcomer(args.name, flags['peer-url'], !flags.voter);
    const dryRun = flags['dry-run'];
    const added = await addMember(await changeParts(flags), member, { force: flags.force, dryRun });
    const id = added.id?.toString(16) ?? null;
    const kind = member.learner ? 'a learner' : 'a voting member';
    const first = !added.changed
      ? `no change: ${member.name} was added already (${id})`
      : dryRun
        ? `dry run: ${member.name} is added as ${kind}`
        : `${member.name} is added (${id})`;
    const next = nextSteps(member, added);
    return {
      data: { changed: added.changed, dryRun, id, learner: member.learner, initialCluster: added.initialCluster, next },
      text: [first, ...next].join('\n'),
    };
  }
}
