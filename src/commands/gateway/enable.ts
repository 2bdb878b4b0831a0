import { Flags } from '@oclif/core';
import { GATEWAY_MODES, parseGatewayMode } from '../../model/lease.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';
import { etcdFlags, nodeFlags } from '../../output/flags.ts';

export default class GatewayEnable extends TsflannelCommand {
  static override summary = 'Let hosts that are no nodes reach containers by way of this one.';
  static override description =
    'They get a route to the network by this node, which is printed. With masquerade containers of other nodes see this node’s address; with\n' +
    'routed they see the host’s own, their answers leave by each node’s own routes, and the config needs SourceCheck off.';
  static override examples = [
    '<%= config.bin %> gateway enable',
    '<%= config.bin %> gateway enable --mode routed --dry-run',
  ];
  static override flags = {
    ...etcdFlags,
    ...nodeFlags,
    mode: Flags.string({ description: 'what containers see', options: [...GATEWAY_MODES], default: 'masquerade' }),
    'dry-run': Flags.boolean({ default: false, description: 'say what would be done, change nothing' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(GatewayEnable);
    const { setGateway } = await import('../../host/gateway.ts');
    const dryRun = flags['dry-run'];
    const report = await setGateway(flags, parseGatewayMode(flags.mode) ?? 'masquerade', dryRun);
    const when = dryRun ? 'would be' : report.daemon ? 'is' : 'will be, from the next up on,';
    const route = report.outside.map((line) => `On hosts outside:\n  ${line}`);
    const text = [`This node ${when} a gateway to ${report.network} (${report.mode}).`, ...route].join('\n');
    return { data: { ...report, dryRun }, text };
  }
}
