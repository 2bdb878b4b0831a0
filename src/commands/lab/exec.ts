import { Args, Flags } from '@oclif/core';
import { TsflannelError } from '../../errors.ts';
import { type Result, TsflannelCommand } from '../../output/command.ts';

export default class LabExec extends TsflannelCommand {
  static override description =
    'Run a command on a node of a lab, as if typed there. Its exit status is passed on. With --json its output is in the document.';
  static override examples = [
    '<%= config.bin %> lab exec n1 -- tsflannel routes',
    '<%= config.bin %> lab exec n2 -- docker ps',
    '<%= config.bin %> lab exec n1 -- bash',
  ];
  static override args = {
    node: Args.string({ required: true, description: 'n1, n2, …' }),
    command: Args.string({ description: 'the command and its arguments, after --' }),
  };
  static override flags = { name: Flags.string({ description: 'name of the lab', default: 'lab' }) };
  static override strict = false;

  override async execute(): Promise<Result> {
    const { args, flags } = await this.parse(LabExec);
    // From the command line itself: oclif puts words that occur twice in another order.
    const end = this.argv.indexOf('--');
    const command = end < 0 ? [] : this.argv.slice(end + 1);
    if (command.length === 0) throw new TsflannelError('USAGE', { detail: 'there is no command after --' });
    const { execOn, labsDir, nodeOf, readLab } = await import('../../lab/index.ts');
    const lab = await readLab(flags.name, labsDir());
    const executed = await execOn(lab, nodeOf(lab, args.node), command, this.wantsJson());
    return { data: { ...executed }, text: '', exit: executed.exit };
  }
}
