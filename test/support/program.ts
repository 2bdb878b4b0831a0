import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../src/root.ts';

interface ManifestFlag {
  readonly name: string;
  readonly char?: string;
  readonly type: 'boolean' | 'option';
  readonly allowNo?: boolean;
}

export interface ManifestCommand {
  readonly id: string;
  readonly description?: string;
  /** Lines, each with a command. */
  readonly examples: readonly string[];
  readonly flags: Readonly<Record<string, ManifestFlag>>;
}

interface RawCommand extends Omit<ManifestCommand, 'examples'> {
  readonly examples?: readonly (string | { readonly command: string })[];
}

/** All commands, as oclif's manifest has them; ids with spaces. */
export const commands: readonly ManifestCommand[] = Object.values(
  (
    JSON.parse(readFileSync(join(packageRoot(), 'oclif.manifest.json'), 'utf8')) as {
      commands: Record<string, RawCommand>;
    }
  ).commands,
).map((command) => ({
  ...command,
  id: command.id.replaceAll(':', ' '),
  examples: (command.examples ?? []).map((one) => (typeof one === 'string' ? one : one.command)),
}));

/** The command with the longest name that the words begin with. */
export const commandOf = (words: string): ManifestCommand | undefined =>
  commands.filter(({ id }) => `${words} `.startsWith(`${id} `)).sort((a, b) => b.id.length - a.id.length)[0];

/** Names of the long flags in a line. */
export const flagsIn = (line: string): string[] =>
  [...line.matchAll(/\s--([a-z][a-z0-9-]*)/g)].map(([, name = '']) => name).filter((name) => name !== 'help');

/** Runs the program as a user does, without this machine's settings and without a terminal. */
export const tsflannel = (args: readonly string[], env: Record<string, string> = {}) =>
  execa(join(packageRoot(), 'bin', 'tsflannel'), args, {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/', ...env },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    timeout: 120_000,
  });

/** Does the work for each, a few at a time. */
export async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<void>, width = 4): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
