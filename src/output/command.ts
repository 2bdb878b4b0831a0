/**
 * output/ turns results into tables and JSON. It knows terminals and text; it must not know etcd, the kernel or any command.
 * A command returns a Result; this base class alone prints it, and alone turns anything thrown into the error table's form.
 */
import { Command, Flags } from '@oclif/core';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { type Format, formatIn, render } from './format.ts';

/** What a command hands back: `data` for `--json`, `text` for people, and the exit status where it is not 0. */
export interface Result {
  readonly data: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly exit?: number;
  /** The property of `data` that is the list: `-o jsonl` prints a line for each of it. */
  readonly list?: string;
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

/** A result as `--json` shows it. */
export const document = (data: Result['data']): Result['data'] => ({ schemaVersion: 1, ...data });

/** An error as `--json` shows it: less than 2 kB. */
export const errorData = (error: TsflannelError, command: string): Result['data'] =>
  document({
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
    const format = this.format();
    const text = format === 'table' ? result.text : await render(format, document(result.data), result.list);
    if (text !== '') process.stdout.write(`${text}\n`);
  }

  override async catch(error: unknown): Promise<void> {
    const ours = fromThrown(error);
    const command = this.typed();
    const format = this.format();
    if (format !== 'table') process.stdout.write(`${await render(format, errorData(ours, command))}\n`);
    else process.stderr.write(`${printError(ours, command)}\n`);
    if (ours.code === 'INTERNAL' && process.env.TSFLANNEL_DEBUG) process.stderr.write(`${(error as Error).stack}\n`);
    process.exitCode = ours.exit;
  }

  /** The command without its arguments: they may hold a secret. */
  protected typed(): string {
    return `${this.config.bin} ${(this.id ?? '').replaceAll(':', ' ')}`;
  }

  /** Whether a machine reads stdout. */
  protected wantsJson(): boolean {
    return this.format() !== 'table';
  }

  protected format(): Format {
    return formatIn(this.argv);
  }
}
