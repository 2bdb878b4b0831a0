import { Flags } from '@oclif/core';
import { type Result, TsflannelCommand } from '../output/command.ts';
import { etcdFlags, nodeFlags } from '../output/flags.ts';

export default class Down extends TsflannelCommand {
  static override description =
    'Stop the daemon, give the lease back and remove what is ours from this host (the node id stays, unless --purge).';
  static override examples = [
    '<%= config.bin %> down',
    '<%= config.bin %> down --dry-run',
    '<%= config.bin %> down --purge',
  ];
  static override flags = {
    ...etcdFlags,
    ...nodeFlags,
    purge: Flags.boolean({ description: 'forget the node id too: the next up is a new node' }),
    'dry-run': Flags.boolean({ default: false, description: 'show what would be removed, change nothing' }),
  };

  override async execute(): Promise<Result> {
    const { flags } = await this.parse(Down);
    const { takeDown } = await import('../host/down.ts');
    const { downText, stepData } = await import('../host/texts.ts');
    const options = {
      stateDir: flags['state-dir'],
      runDir: flags['run-dir'],
      purge: flags.purge,
      dryRun: flags['dry-run'],
    };
    const result = await takeDown(options, flags);
    const { plan, outcomes: _, ...rest } = result;
    const changed = plan.length > 0 || rest.daemon !== undefined || rest.released !== undefined;
    const data = { changed, ...rest, dryRun: options.dryRun, steps: stepData(plan) };
    return { data, text: downText(result, options.dryRun) };
  }
}
