import { type Result, TsflannelCommand } from '../output/command.ts';
import { lookFlags } from '../output/look-flags.ts';
import { statusText } from '../output/status.ts';

export default class Status extends TsflannelCommand {
  static override description = 'Say whether this node is well: exit status 0 ok, 8 degraded, 9 down.';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json'];
  static override flags = { ...lookFlags };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Status);
    const { statusNow } = await import('../host/status.ts');
    const { lookOptions } = await import('../host/look-options.ts');
    const report = await statusNow(await lookOptions(flags));
    const exit = { ok: 0, degraded: 8, down: 9 }[report.state];
    return { data: { ...report }, text: statusText(report), exit };
  }
}
