import { memberPaths } from '../../etcd/paths.ts';
import { listTokens, TOKEN_HEADS, tokenCells, tokenData } from '../../etcd/tokens.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { listFlag } from '../../output/format.ts';
import { memberDirFlags } from '../../output/member-flags.ts';
import { table } from '../../output/table.ts';

export default class TokenList extends TsflannelCommand {
  static override description =
    'Show the join tokens of this host, and how often one was refused. Their secrets are not known here.';
  static override examples = ['<%= config.bin %> token list'];
  static override flags = { ...memberDirFlags, ...listFlag };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(TokenList);
    const { tokens, unknown } = await listTokens((await memberPaths(flags)).dataDir);
    const now = Date.now();
    const rows = tokens.map((token) => tokenCells(token, now));
    const text = [
      tokens.length === 0 ? 'no tokens' : table(TOKEN_HEADS, rows),
      ...(unknown > 0 ? [`tokens that nobody made here, or that were revoked, were refused ${unknown} times`] : []),
    ];
    return {
      data: { tokens: tokens.map((token) => tokenData(token, now)), unknown },
      list: 'tokens',
      text: text.join('\n'),
    };
  }
}
