import { type Result, TsflannelCommand } from '../output/command.ts';
import { dockerPlaceFlags } from '../output/docker-flags.ts';
import { lookFlags } from '../output/look-flags.ts';
import { statusText } from '../output/status.ts';

export default class Status extends TsflannelCommand {
  static override description = 'Say whether this node is well: exit status 0 ok, 8 degraded, 9 down.';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json'];
  static override flags = {
    ...lookFlags,
    'config-file': dockerPlaceFlags['config-file'],
    'docker-socket': dockerPlaceFlags['docker-socket'],
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Status);
    const { statusWhole } = await import('../host/status.ts');
    const report = await statusWhole(flags);
    const exit = { ok: 0, degraded: 8, down: 9 }[report.state];
    return { data: { ...report }, text: statusText(report), exit };
  }
}
