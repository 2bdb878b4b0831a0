import { access, constants, realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { printable } from '../model/parsed.ts';

/** Runs a program to its end and returns its output; rejects with TOOL_MISSING or TOOL_FAILED. */
export type Run = (file: string, args: readonly string[]) => Promise<string>;

interface ToolFailure {
  readonly code?: string;
  readonly shortMessage?: string;
  readonly stderr?: string;
}

/** Lines of a program's complaint in one that can be printed. */
export const oneLine = (text: string): string => printable(text.trim().replace(/\s*\n\s*/g, ' | '));

/** The real thing; `timeout` in milliseconds. */
export const runTool =
  (timeout = 120_000): Run =>
  async (file, args) => {
    const { execa } = await import('execa');
    try {
      const { stdout } = await execa(file, [...args], { stdin: 'ignore', timeout });
      return stdout;
    } catch (error) {
      const { code, shortMessage, stderr } = error as ToolFailure;
      if (code === 'ENOENT')
        throw new TsflannelError(
          'TOOL_MISSING',
          { tool: file, detail: `PATH has no ${file}`, package: 'systemd' },
          error,
        );
      throw new TsflannelError('TOOL_FAILED', { tool: file, detail: oneLine(stderr || shortMessage || '') }, error);
    }
  };

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** Absolute path of the program of this name on a search path; `undefined` if there is none. */
export async function findProgram(name: string, path = process.env.PATH ?? ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((each) => each.startsWith('/'))) {
    const candidate = join(folder, name);
    if (await isProgram(candidate)) return candidate;
  }
  return undefined;
}

/** Whether this search path leads from the name to exactly this program. */
export async function leadsTo(name: string, path: string | undefined, exe: string): Promise<boolean> {
  const found = name.includes('/') ? undefined : await findProgram(name, path ?? '');
  return found !== undefined && (await realpath(found)) === exe;
}
