import { Flags } from '@oclif/core';
import { memberPaths } from '../../etcd/paths.ts';
import { createToken, TOKEN_SECONDS } from '../../etcd/tokens.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { memberDirFlags } from '../../output/member-flags.ts';

export default class TokenCreate extends TsflannelCommand {
  static override description =
    'Make a token by which one host joins the cluster, and print the line to run there. Only on a host that has the CA key.';
  static override examples = [
    '<%= config.bin %> token create',
    '<%= config.bin %> token create --for client --ttl 3600',
  ];
  static override flags = {
    for: Flags.option({ options: ['member', 'client'] as const })({
      description: 'what the host becomes: a member of the etcd cluster, or a client of it only',
      default: 'member',
      env: 'TSFLANNEL_FOR',
    }),
    ttl: Flags.integer({
      description: 'seconds until it expires',
      default: TOKEN_SECONDS,
      min: 1,
      max: 2_592_000,
      env: 'TSFLANNEL_TTL',
    }),
    ...memberDirFlags,
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(TokenCreate);
    const { dataDir, configDir } = await memberPaths(flags);
    const made = await createToken(dataDir, configDir, { purpose: flags.for, seconds: flags.ttl });
    const { id, purpose, token, expires } = made;
    return { data: { id, purpose, token, expires: new Date(expires).toISOString() }, text: `tsflannel join ${token}` };
  }
}
