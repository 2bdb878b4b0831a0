import { createConnection } from 'node:net';
import { TsflannelError } from '../errors.ts';
import { socketPath } from '../files/run-dir.ts';
import type { Answer, Method, Requests } from './protocol.ts';

const MAX_ANSWER = 64 * 1024 * 1024;

function exchange(path: string, line: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const parts: Buffer[] = [];
    let size = 0;
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer in ${timeoutMs / 1000} s`)));
    socket.on('error', reject);
    socket.on('connect', () => socket.end(`${line}\n`));
    socket.on('data', (part) => {
      size += part.length;
      if (size > MAX_ANSWER) socket.destroy(new Error('the answer is too long'));
      parts.push(part);
    });
    socket.on('close', () => resolve(Buffer.concat(parts).toString()));
  });
}

/** Asks the daemon. Throws DAEMON_NOT_RUNNING when none answers, NOT_ROOT when the socket may not be opened. */
export async function ask<M extends Method>(runDir: string, method: M, timeoutMs = 10_000): Promise<Requests[M]> {
  const path = socketPath(runDir);
  let text: string;
  try {
    text = await exchange(path, JSON.stringify({ method }), timeoutMs);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') throw new TsflannelError('NOT_ROOT', { detail: 'ask the daemon' }, error);
    throw new TsflannelError('DAEMON_NOT_RUNNING', { socket: path, detail: message }, error);
  }
  if (text === '') throw new TsflannelError('DAEMON_NOT_RUNNING', { socket: path, detail: 'it closed the connection' });
  const answer = JSON.parse(text) as Answer;
  if ('error' in answer) throw new TsflannelError('DAEMON_FAILED', { detail: answer.error.detail });
  return answer.result as Requests[M];
}

/** Asks; `undefined` when no daemon runs. */
export async function askIfRunning<M extends Method>(runDir: string, method: M): Promise<Requests[M] | undefined> {
  try {
    return await ask(runDir, method);
  } catch (error) {
    if (error instanceof TsflannelError && error.code === 'DAEMON_NOT_RUNNING') return undefined;
    throw error;
  }
}
