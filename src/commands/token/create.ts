import { Flags } from '@oclif/core';
import { memberPaths } from '../../etcd/paths.ts';
import { createToken, signingMember, TOKEN_SECONDS } from '../../etcd/tokens.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { dryRunFlag } from '../../output/flags.ts';
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
    ...dryRunFlag,
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(TokenCreate);
    const { dataDir, configDir } = await memberPaths(flags);
    const [purpose, dryRun] = [flags.for, flags['dry-run']];
    if (dryRun) {
      await signingMember(dataDir);
      const expires = new Date(Date.now() + flags.ttl * 1000).toISOString();
      const text = `a token would be made by which one host becomes a ${purpose}, good until ${expires}`;
      return { data: { changed: true, dryRun, purpose, expires }, text };
    }
    const { id, token, expires } = await createToken(dataDir, configDir, { purpose, seconds: flags.ttl });
    const data = { changed: true, dryRun, id, purpose, token, expires: new Date(expires).toISOString() };
    return { data, text: `tsflannel join ${token}` };
  }
}
