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

/** `undefined` for what is no whole answer: the daemon ended while it wrote. */
function parseAnswer(text: string): Answer | undefined {
  if (!text.endsWith('\n')) return undefined;
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return undefined;
  }
}

/**
 * Asks the daemon. Throws DAEMON_NOT_RUNNING when none answers, NOT_ROOT when the socket may not be opened, DAEMON_STARTING when the node is
 * not up yet, DAEMON_ANSWER when it could not do what was asked.
 */
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
  const answer = parseAnswer(text);
  if (!answer) throw new TsflannelError('DAEMON_NOT_RUNNING', { socket: path, detail: 'it broke off its answer' });
  if ('result' in answer) return answer.result as Requests[M];
  const { code, detail } = answer.error;
  throw new TsflannelError(code === 'DAEMON_STARTING' ? code : 'DAEMON_ANSWER', { detail });
}

const codeOf = (error: unknown): string => (error instanceof TsflannelError ? error.code : '');

/** Asks; `undefined` when no daemon runs. */
export async function askIfRunning<M extends Method>(
  runDir: string,
  method: M,
  timeoutMs?: number,
): Promise<Requests[M] | undefined> {
  try {
    return await ask(runDir, method, timeoutMs);
  } catch (error) {
    if (codeOf(error) === 'DAEMON_NOT_RUNNING') return undefined;
    throw error;
  }
}

/** Asks; `undefined` when no daemon runs, or when it is not up yet. */
export async function askIfUp<M extends Method>(runDir: string, method: M): Promise<Requests[M] | undefined> {
  try {
    return await askIfRunning(runDir, method);
  } catch (error) {
    if (codeOf(error) === 'DAEMON_STARTING') return undefined;
    throw error;
  }
}
