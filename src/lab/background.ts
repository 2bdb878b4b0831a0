import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { TsflannelError } from '../errors.ts';

/** A process that outlives this one; `log` gets what it prints, appended. Returns its pid. */
export function startBackground(
  argv: readonly [string, ...string[]],
  env: Record<string, string>,
  log: string,
): number {
  const [program, ...rest] = argv;
  const file = openSync(log, 'a', 0o600);
  try {
    const child = spawn(program, rest, { env, detached: true, stdio: ['ignore', file, file] });
    // Without a listener a program that is missing would end this process; `until` sees that it does not answer.
    child.once('error', () => undefined);
    child.unref();
    return child.pid ?? 0;
  } finally {
    closeSync(file);
  }
}

/**
 * Polls until `probe` answers anything but undefined; after `timeoutMs` rejects with LAB_STUCK and the end of the log. A probe that
 * rejects has no answer yet, unless it says by a TsflannelError that there will be none.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  { timeoutMs, log }: { timeoutMs: number; log?: string },
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await probe().catch((error: unknown) => {
      if (error instanceof TsflannelError) throw error;
      return undefined;
    });
    if (answer !== undefined) return answer;
    if (performance.now() > end) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const said =
    log === undefined ? '' : (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n    ');
  throw new TsflannelError('LAB_STUCK', { detail: `${what} in ${timeoutMs / 1000} s\n    ${said}` });
}

/** How many programs of tsflannel are started at once: each is a Node.js, and big labs have many nodes. */
const AT_ONCE = 8;

/** Calls `work` for each item, some at a time; results in the order of the items. The first rejection ends it. */
export async function someAtOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const turn = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, turn));
  return results;
}
