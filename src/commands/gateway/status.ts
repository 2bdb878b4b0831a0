import { type Result, TsflannelCommand } from '../../output/command.ts';
import { etcdFlags, nodeFlags } from '../../output/flags.ts';
import { listFlag } from '../../output/format.ts';
import { table } from '../../output/table.ts';

export default class GatewayStatus extends TsflannelCommand {
  static override description = 'Show which nodes are gateways, and the route that hosts outside need.';
  static override examples = ['<%= config.bin %> gateway status', '<%= config.bin %> gateway status --json'];
  static override flags = { ...listFlag, ...etcdFlags, ...nodeFlags };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(GatewayStatus);
    const { gatewayReport } = await import('../../host/gateway.ts');
    const report = await gatewayReport(flags);
    const here = `This node is ${report.mode === undefined ? 'no gateway' : `a gateway (${report.mode})`}.`;
    const rows = report.gateways.map(({ node, address, mode }) => [node, address, mode]);
    const list = rows.length === 0 ? [] : [table(['NODE', 'ADDRESS', 'MODE'], rows), 'On hosts outside, one of:'];
    return {
      data: { ...report },
      list: 'gateways',
      text: [here, ...list, ...report.outside.map((line) => `  ${line}`)].join('\n'),
    };
  }
}
