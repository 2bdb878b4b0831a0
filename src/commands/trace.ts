import { Args, Flags } from '@oclif/core';
import { paint } from '../output/color.ts';
import { type Result, TsflannelCommand } from '../output/command.ts';
import { nodeFlags } from '../output/flags.ts';
import { table } from '../output/table.ts';

const COLOR = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
const DEGRADED = 8;

export default class Trace extends TsflannelCommand {
  static override description =
    'Follow a packet from a container of this host to one of another, hop by hop: rule, route, lease, device, neighbour, FDB or carrier, underlay, each as the kernel has it and with its counter; and whether the other node answers. Exit status 8 when a hop fails.';
  static override examples = ['<%= config.bin %> trace n2', '<%= config.bin %> trace 172.17.9.2 --from 172.17.5.2'];
  static override args = { to: Args.string({ required: true, description: 'address of a container, or a node' }) };
  static override flags = {
    from: Flags.string({ description: "address of a container of this host (default: this host's own address)" }),
    'run-dir': nodeFlags['run-dir'],
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(Trace);
    const { trace } = await import('../host/trace.ts');
    const report = await trace({ runDir: flags['run-dir'], from: flags.from, to: args.to });
    const rows = report.hops.map(({ hop, what, result }) => [hop, paint(COLOR[result], result), what]);
    const failed = report.hops.some(({ result }) => result === 'fail');
    const text = [`${report.from} to ${report.to}`, '', table(['hop', '', 'what'], rows)].join('\n');
    return { data: { ...report }, text, ...(failed && { exit: DEGRADED }) };
  }
}
