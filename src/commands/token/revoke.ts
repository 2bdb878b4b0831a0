import { Args } from '@oclif/core';
import { memberPaths } from '../../etcd/paths.ts';
import { revokeToken } from '../../etcd/tokens.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { dryRunFlag } from '../../output/flags.ts';
import { memberDirFlags } from '../../output/member-flags.ts';

export default class TokenRevoke extends TsflannelCommand {
  static override description =
    'Take a join token back. A host that has joined by it stays: its certificates are good until they expire.';
  static override examples = ['<%= config.bin %> token revoke 1a2b3c4d5e'];
  static override args = {
    id: Args.string({ required: true, description: 'id of the token, as token list shows it' }),
  };
  static override flags = { ...memberDirFlags, ...dryRunFlag };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(TokenRevoke);
    const { dataDir } = await memberPaths(flags);
    const dryRun = flags['dry-run'];
    const changed = await revokeToken(dataDir, args.id, dryRun);
    const done = `token ${args.id} ${dryRun ? 'would be' : 'is'} revoked`;
    const none = `no change: there is no token ${args.id} on this host (tsflannel token list shows those that are)`;
    return { data: { changed, dryRun, revoked: args.id }, text: changed ? done : none };
  }
}
