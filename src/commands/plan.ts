import { Flags } from '@oclif/core';
import { type Result, TsflannelCommand } from '../output/command.ts';
import { listFlag } from '../output/format.ts';
import { lookFlags } from '../output/look-flags.ts';

export default class Plan extends TsflannelCommand {
  static override description =
    'Show what would change on this host, and why; works without a daemon too. Changes nothing.';
  static override examples = [
    '<%= config.bin %> plan',
    '<%= config.bin %> plan --detailed-exitcode',
    '<%= config.bin %> plan --adopt --ip-masq',
    '<%= config.bin %> plan --json',
  ];
  static override flags = {
    ...listFlag,
    ...lookFlags,
    adopt: Flags.boolean({ description: 'what up --adopt would do with what flanneld left' }),
    'detailed-exitcode': Flags.boolean({ description: 'exit 7 when there is something to change' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Plan);
    const { planNow } = await import('../host/look.ts');
    const { lookOptions } = await import('../host/look-options.ts');
    const { steps, text, daemon } = await planNow({ ...(await lookOptions(flags)), adopt: flags.adopt });
    const exit = flags['detailed-exitcode'] && steps.length > 0 ? 7 : 0;
    return {
      data: { daemon, steps },
      list: 'steps',
      text: daemon ? text : `${text}\n(no daemon runs: this is what up would do)`,
      exit,
    };
  }
}
