/** Entry of the program: puts argv into the form oclif reads, then runs the command. Kept small: it is loaded by every call. */
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { joinEnvironment } from './model/environment.ts';
import { normalizeArgv } from './output/argv.ts';

/** Runs the program; `url` is the file:// URL of bin/run.js, from which oclif finds package.json. */
export async function main(url: string): Promise<void> {
  enableCompileCache(join(homedir(), '.cache', 'tsflannel'));
  joinEnvironment(process.env);
  const argv = normalizeArgv(process.argv.slice(2));
  const { runCli } = await import('./cli.ts');
  await runCli(argv, url);
}
