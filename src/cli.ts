import { flush } from '@oclif/core/flush';
import { run } from '@oclif/core/run';
import { stringify } from './model/json.ts';
import { errorData, fromThrown, printError } from './output/command.ts';

/** Runs one command; what oclif itself refuses (an unknown command) is printed in the error table's form too. */
export async function runCli(argv: string[], url: string): Promise<void> {
  try {
    await run(argv, url);
    await flush();
  } catch (error) {
    const ours = fromThrown(error);
    if (argv.includes('--json')) process.stdout.write(`${stringify(errorData(ours, 'tsflannel'))}\n`);
    else if (ours.exit !== 0) process.stderr.write(`${printError(ours, 'tsflannel')}\n`);
    process.exitCode = ours.exit;
  }
}
