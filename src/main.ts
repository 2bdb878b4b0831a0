/** Entry of the program: puts argv into the form oclif reads, then runs the command. Kept small: it is loaded by every call. */
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { FLANNELD_FLAGS, goBoolean } from './model/flanneld.ts';
import { normalizeArgv } from './output/argv.ts';

/** flanneld's own variables stand in for ours where ours are not set; as it does, an empty one counts as none. */
function joinEnvironment(env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(env)) {
    const flag = /^FLANNELD_(.+)$/.exec(name)?.[1];
    if (flag === undefined || value === undefined || value === '') continue;
    const isBoolean =
      FLANNELD_FLAGS[flag.toLowerCase().replaceAll('_', '-') as keyof typeof FLANNELD_FLAGS] === 'boolean';
    env[`TSFLANNEL_${flag}`] ??= String((isBoolean ? goBoolean(value) : undefined) ?? value);
  }
}

/** Runs the program; `url` is the file:// URL of bin/run.js, from which oclif finds package.json. */
export async function main(url: string): Promise<void> {
  enableCompileCache(join(homedir(), '.cache', 'tsflannel'));
  joinEnvironment(process.env);
  const argv = normalizeArgv(process.argv.slice(2));
  const { runCli } = await import('./cli.ts');
  await runCli(argv, url);
}
