/**
 * output/ turns results into tables and JSON. It knows terminals and text; it must not know etcd, the kernel or any command.
 * A command returns a Result; this base class alone prints it, and alone turns anything thrown into the error table's form.
 */
import { Command, Flags } from '@oclif/core';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { stringify } from '../model/json.ts';

/** What a command hands back: `data` for `--json`, `text` for people, and the exit status where it is not 0. */
export interface Result {
  readonly data: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly exit?: number;
  /** Everything was printed already (a live view). */
  readonly silent?: boolean;
}

/** Warnings and progress go to stderr, so that stdout stays the result. */
export const notice = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** The fixes, `{command}` being the command that failed (`tsflannel up`), without its arguments: they may hold a secret. */
const fixesOf = (error: TsflannelError, command: string): string[] =>
  error.fix.map((line) => line.replace('{command}', command));

/** An error as people read it: what, why, how to fix. */
export function printError(error: TsflannelError, command: string): string {
  const fixes = fixesOf(error, command).map((line) => `  try:  ${line}`);
  return [`Error: ${error.message}`, `  why:  ${error.why}`, ...fixes, `  code: ${error.code}`].join('\n');
}

const MAX_TEXT = 600;
const clip = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text);

/** An error as `--json` shows it: less than 2 kB. */
export const errorData = (error: TsflannelError, command: string): Record<string, unknown> => ({
  schemaVersion: 1,
  error: {
    code: error.code,
    what: clip(error.message),
    why: clip(error.why),
    fix: fixesOf(error, command),
    exit: error.exit,
  },
});

/** What oclif says of a command line, on one line, without the help text after it and without the value of a flag it does not know. */
const usageOf = (message: string): string =>
  (message.split('\nSee more help')[0] ?? '')
    .replace(/^command (\S+) not found$/, (_, id: string) => `there is no command ${id.replaceAll(':', ' ')}`)
    .replace(/^(Nonexistent flags?: )(.*)$/s, (_, head: string, flags: string) => head + flags.replace(/=\S*/g, ''))
    .replace(/\s+/g, ' ')
    .trim();

/** oclif's own errors carry their exit status in `oclif`; 0 is no failure (help was shown). */
export function fromThrown(error: unknown): TsflannelError {
  if (error instanceof TsflannelError) return error;
  if (error instanceof Error && 'oclif' in error) {
    const usage = new TsflannelError('USAGE', { detail: usageOf(error.message) }, error);
    return (error as { oclif: { exit?: number } }).oclif.exit === 0 ? Object.assign(usage, { exit: 0 }) : usage;
  }
  if (error instanceof Error && error.name === 'ExitPromptError') return new TsflannelError('ABORTED');
  return asTsflannelError(error);
}

/** Base of every command: `execute` does one call and returns one result. */
export abstract class TsflannelCommand extends Command {
  static override baseFlags = {
    json: Flags.boolean({ description: 'print one JSON document on stdout', helpGroup: 'GLOBAL' }),
  };

  abstract execute(): Promise<Result>;

  override async run(): Promise<void> {
    const result = await this.execute();
    process.exitCode = result.exit ?? 0;
    if (result.silent) return;
    const text = this.wantsJson() ? stringify({ schemaVersion: 1, ...result.data }) : result.text;
    if (text !== '') process.stdout.write(`${text}\n`);
  }

  override async catch(error: unknown): Promise<void> {
    const ours = fromThrown(error);
    const command = `${this.config.bin} ${(this.id ?? '').replaceAll(':', ' ')}`;
    if (this.wantsJson()) process.stdout.write(`${stringify(errorData(ours, command))}\n`);
    else process.stderr.write(`${printError(ours, command)}\n`);
    if (ours.code === 'INTERNAL' && process.env.TSFLANNEL_DEBUG) process.stderr.write(`${(error as Error).stack}\n`);
    process.exitCode = ours.exit;
  }

  /** Looked up in argv itself, since it must work when parsing failed. */
  protected wantsJson(): boolean {
    const end = this.argv.indexOf('--');
    return this.argv.slice(0, end < 0 ? undefined : end).includes('--json');
  }
}
