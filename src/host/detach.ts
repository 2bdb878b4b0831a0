import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, errorOf, TsflannelError } from '../errors.ts';
import { logPath } from '../files/run-dir.ts';
import { packageRoot } from '../root.ts';

const lastLines = async (path: string): Promise<string> => {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-5).join(' | ').slice(-600);
};

/** A failure as the process that waits is to tell it: the same one. */
export type Told = Pick<TsflannelError, 'code' | 'message' | 'why' | 'fix'>;

interface Ready {
  readonly ready: boolean;
  readonly error?: Told;
}

const retold = ({ code, message, why, fix }: Told): TsflannelError =>
  Object.assign(errorOf(code satisfies ErrorCode, {}), { message, why, fix });

/**
 * Starts this program again with `argv` in the background and waits until it says that it is ready (or why it is not).
 * Its run folder is there. Secrets go by the environment, which it inherits. Throws what it
 * failed with, or DAEMON_FAILED with the end of its log; it is stopped then.
 */
export async function detach(argv: readonly string[], runDir: string, timeoutSeconds: number): Promise<number> {
  const log = await open(logPath(runDir), 'w', 0o600);
  const child = spawn(process.execPath, [join(packageRoot(), 'bin', 'run.js'), ...argv], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
    env: { ...process.env, TSFLANNEL_DETACHED: '1' },
  });
  await log.close();
  const answer = await new Promise<Ready | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), timeoutSeconds * 1000);
    child.once('message', (message) => resolve(message as Ready));
    child.once('error', () => resolve(undefined));
    child.once('exit', () => resolve(undefined));
    child.once('message', () => clearTimeout(timer));
    child.once('exit', () => clearTimeout(timer));
  });
  if (child.connected) child.disconnect();
  child.unref();
  if (answer?.ready && child.pid !== undefined) return child.pid;
  if (child.exitCode === null) child.kill('SIGTERM');
  if (answer?.error) throw retold(answer.error);
  const detail = await lastLines(logPath(runDir));
  throw new TsflannelError('DAEMON_FAILED', { detail: detail || `not ready within ${timeoutSeconds} s` });
}

/** Tells the process that detached us how it went; does nothing when nobody waits. */
export function reportToParent(message: Ready): void {
  if (!process.send || !process.connected) return;
  process.send(message, () => process.connected && process.disconnect());
}
