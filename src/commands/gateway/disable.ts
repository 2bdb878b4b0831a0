import { Flags } from '@oclif/core';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { etcdFlags, nodeFlags } from '../../output/flags.ts';

export default class GatewayDisable extends TsflannelCommand {
  static override description = 'Be no gateway any more: the rules for hosts from outside go.';
  static override examples = ['<%= config.bin %> gateway disable', '<%= config.bin %> gateway disable --dry-run'];
  static override flags = {
    ...etcdFlags,
    ...nodeFlags,
    'dry-run': Flags.boolean({ default: false, description: 'say what would be done, change nothing' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(GatewayDisable);
    const { setGateway } = await import('../../host/gateway.ts');
    const report = await setGateway(flags, undefined, flags['dry-run']);
    const text = report.changed
      ? `This node ${flags['dry-run'] ? 'would be' : 'is'} no gateway any more.`
      : 'No change: this node is no gateway.';
    return { data: { ...report, dryRun: flags['dry-run'] }, text };
  }
}
