import { Args } from '@oclif/core';
import { Help as Printer } from '@oclif/core/help';
import { EXITS } from '../model/exits.ts';
import { type Result, TsflannelCommand } from '../output/command.ts';
import { table } from '../output/table.ts';

const EXIT_CODES = 'exit-codes';

function exitCodes(): Result {
  const codes = Object.entries(EXITS).map(([exit, means]) => ({ exit: Number(exit), means }));
  const rows = codes.map(({ exit, means }) => [String(exit), means]);
  return { data: { topic: EXIT_CODES, codes }, text: table(['exit', 'means'], rows) };
}

export default class Help extends TsflannelCommand {
  static override description =
    'Show what a command does and which flags it takes, as --help behind it; exit-codes shows what each exit status means.';
  static override examples = ['<%= config.bin %> help docker apply', '<%= config.bin %> help exit-codes'];
  static override args = {
    topic: Args.string({ description: 'a command, the beginning of some, or exit-codes', multiple: true }),
  };

  override async execute(): Promise<Result> {
    const { args } = await this.parse(Help);
    const words = args.topic ?? [];
    if (words.join(' ') === EXIT_CODES) return exitCodes();
    const lines: string[] = [];
    const log = (line = ''): number => lines.push(line);
    await Object.assign(new Printer(this.config), { log }).showHelp([...words]);
    return { data: { topic: words.join(' '), help: lines.join('\n') }, text: lines.join('\n') };
  }
}
