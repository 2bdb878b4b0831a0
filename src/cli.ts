import { flush } from '@oclif/core/flush';
import { run } from '@oclif/core/run';
import { errorData, fromThrown, printError } from './output/command.ts';
import { formatIn, render } from './output/format.ts';

/**
 * Where the reader of a pipe has gone (`| head`) a program ends without a word, as by SIGPIPE, which Node turns off. Nobody reading
 * stderr any more is no reason for a daemon to end.
 */
function heedReaders(): void {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(141);
  });
  process.stderr.on('error', () => undefined);
}

/** Runs one command; what oclif itself refuses (an unknown command) is printed in the error table's form too. */
export async function runCli(argv: string[], url: string): Promise<void> {
  heedReaders();
  try {
    await run(argv, url);
    await flush();
  } catch (error) {
    const ours = fromThrown(error);
    const format = formatIn(argv);
    if (format !== 'table') process.stdout.write(`${await render(format, errorData(ours, 'tsflannel'))}\n`);
    else if (ours.exit !== 0) process.stderr.write(`${printError(ours, 'tsflannel')}\n`);
    process.exitCode = ours.exit;
  }
}
