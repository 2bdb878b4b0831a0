import { setTimeout as sleep } from 'node:timers/promises';
import { INTERRUPTED } from '../model/exits.ts';
import { document, errorData, fromThrown, printError, type Result } from './command.ts';
import { type Format, renderNext } from './format.ts';
import { openScreen } from './screen.ts';

/** What is followed. */
export interface Followed {
  /** One look. It may fail: the error is shown, and the next look may be better. */
  readonly look: () => Promise<Result>;
  /** The command as typed, for the errors' own advice. */
  readonly command: string;
  /** Names of properties that move by themselves, as a lease's age: they alone are no change. */
  readonly moving: ReadonlySet<string>;
}

const PERIOD_MS = 1_000;

async function frameOf({ look, command }: Followed): Promise<Pick<Result, 'data' | 'text'>> {
  try {
    const { data, text } = await look();
    return { data: document(data), text };
  } catch (error) {
    const ours = fromThrown(error);
    return { data: errorData(ours, command), text: printError(ours, command) };
  }
}

/** Paints the terminal until `q` or Ctrl-C; resolves to the exit status. */
async function paint(followed: Followed): Promise<number> {
  const leave = new AbortController();
  let exit = 0;
  let text = '';
  const draw = (): void => screen.draw([...text.split('\n'), '', 'q leave']);
  const screen = openScreen((key) => {
    if (key !== 'q' && key !== 'ctrl-c') return;
    exit = key === 'q' ? 0 : INTERRUPTED;
    leave.abort();
  }, draw);
  try {
    while (!leave.signal.aborted) {
      ({ text } = await frameOf(followed));
      if (!leave.signal.aborted) draw();
      await sleep(PERIOD_MS, undefined, { signal: leave.signal }).catch(() => undefined);
    }
  } finally {
    screen.close();
  }
  return exit;
}

/** Prints what changed, for machines as documents, until SIGINT; resolves to the exit status. */
async function print(followed: Followed, format: Format): Promise<number> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  let before = '';
  while (!stop.signal.aborted) {
    const { data, text } = await frameOf(followed);
    const now = JSON.stringify(data, (name, value) => (followed.moving.has(name) ? undefined : value));
    if (now !== before) process.stdout.write(`${format === 'table' ? `${text}\n` : await renderNext(format, data)}\n`);
    before = now;
    await sleep(PERIOD_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }
  return INTERRUPTED;
}

/** Looks once a second: on a terminal it paints; piped, or for machines, it prints again what changed. Resolves to the exit status. */
export const watch = (followed: Followed, format: Format): Promise<number> =>
  process.stdout.isTTY && process.stdin.isTTY && format === 'table' ? paint(followed) : print(followed, format);
