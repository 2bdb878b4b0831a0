import { Args } from '@oclif/core';
import { TsflannelError } from '../../../errors.ts';
import { removeMember, target } from '../../../etcd/change.ts';
import { type Result, TsflannelCommand } from '../../../output/command.ts';
import { confirm } from '../../../output/confirm.ts';
import { changeFlags, yesFlag } from '../../../output/member-change-flags.ts';

/** What a second run meets is no failure. */
function goneAlready(error: unknown): TsflannelError {
  if (error instanceof TsflannelError && error.code === 'ETCD_MEMBER_UNKNOWN') return error;
  throw error;
}

export default class EtcdMemberRemove extends TsflannelCommand {
  static override summary = 'Remove a member from the etcd cluster for good.';
  static override description =
    'Remove a member from the etcd cluster, for good: to come back it has to be added again with an empty data dir.\n' +
    'Refused where those that stay would have no majority.';
  static override examples = ['<%= config.bin %> etcd member remove node-3 --yes'];
  static override args = { member: Args.string({ description: 'name, id or peer URL', required: true }) };
  static override flags = { ...changeFlags, ...yesFlag };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(EtcdMemberRemove);
    const { changeParts } = await import('../../../host/care.ts');
    const parts = await changeParts(flags);
    const found = await target(parts, args.member, { to: 'remove', force: flags.force }).catch(goneAlready);
    const dryRun = flags['dry-run'];
    if (found instanceof TsflannelError) {
      const data = { changed: false, dryRun, id: null, name: args.member };
      return { data, text: `no change: ${found.message} (${found.why})` };
    }
    const id = found.row.id.toString(16);
    const name = found.row.name || id;
    const data = { changed: true, dryRun, id, name: found.row.name };
    const does = `${name} (${id}, ${found.row.status}) is removed from the cluster for good`;
    if (dryRun) return { data, text: `dry run: ${does}` };
    await confirm(does, flags.yes);
    await removeMember(parts, found);
    return { data, text: `${name} is removed; on its host: tsflannel etcd stop --purge` };
  }
}
