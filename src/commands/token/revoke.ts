import { Args } from '@oclif/core';
import { TsflannelError } from '../../errors.ts';
import { memberPaths } from '../../etcd/paths.ts';
import { revokeToken } from '../../etcd/tokens.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { memberDirFlags } from '../../output/member-flags.ts';

export default class TokenRevoke extends TsflannelCommand {
  static override description =
    'Take a join token back. A host that has joined by it stays: its certificates are good until they expire.';
  static override examples = ['<%= config.bin %> token revoke 1a2b3c4d5e'];
  static override args = {
    id: Args.string({ required: true, description: 'id of the token, as token list shows it' }),
  };
  static override flags = memberDirFlags;

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(TokenRevoke);
    const { dataDir } = await memberPaths(flags);
    if (!(await revokeToken(dataDir, args.id))) throw new TsflannelError('TOKEN_MISSING', { id: args.id });
    return { data: { revoked: args.id }, text: `token ${args.id} is revoked` };
  }
}
