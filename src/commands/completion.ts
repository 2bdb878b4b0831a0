import { Args, Flags } from '@oclif/core';
import { TsflannelError } from '../errors.ts';
import { type Result, TsflannelCommand } from '../output/command.ts';
import {
  completionScript,
  LIVE_VALUES,
  type LiveValues,
  type Named,
  SHELLS,
  type Shell,
} from '../output/completion.ts';
import { etcdFlags } from '../output/flags.ts';

/** What oclif knows of a flag or an argument. */
const named = (one: { readonly name: string; readonly options?: readonly string[] }): Named => ({
  name: one.name,
  ...(one.options && { options: one.options }),
});

export default class Completion extends TsflannelCommand {
  static override summary = 'Print the script that completes commands in a shell.';
  static override description =
    'Print the script that completes commands, flags and their values in a shell; subnets, nodes and etcd members are those of the cluster at\n' +
    'that moment. For bash put it into /etc/bash_completion.d, or into ~/.bashrc: eval "$(tsflannel completion bash)".';
  static override examples = ['<%= config.bin %> completion bash', '<%= config.bin %> completion fish'];
  static override args = { name: Args.string({ description: 'the shell', options: [...SHELLS] }) };
  static override flags = {
    values: Flags.string({ description: 'print what lives in the cluster instead', options: [...LIVE_VALUES] }),
    ...etcdFlags,
  };

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(Completion);
    if (flags.values !== undefined) {
      const { liveValues } = await import('../host/completion.ts');
      const values = await liveValues(flags, flags.values as LiveValues);
      return { data: { values }, text: values.join('\n') };
    }
    if (args.name === undefined)
      throw new TsflannelError('USAGE', { detail: `one of ${SHELLS.join(', ')} is expected` });
    const commands = this.config.commands.map(({ id, args: taken, flags: known }) => ({
      id: id.replaceAll(':', ' '),
      args: Object.values(taken).map(named),
      flags: Object.values(known).map(named),
    }));
    const script = completionScript(args.name as Shell, this.config.bin, commands);
    return { data: { name: args.name, script }, text: script };
  }
}
