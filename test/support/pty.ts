/**
 * Runs a program on a pseudo-terminal of its own and types at it, as a user does. The program gets a real controlling terminal (setsid
 * --ctty), so that what it does only on a terminal is what is tested.
 */
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { ReadStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import koffi from 'koffi';

export interface Terminal {
  /** Everything written so far, as it came. */
  output(): string;
  /** Everything shown so far, without control sequences. */
  screen(): string;
  /** Resolves when the pattern is shown after what was waited for before; rejects with the screen when it is not in `ms`. */
  shows(pattern: RegExp, ms?: number): Promise<void>;
  /** Types; Enter is `\r`. */
  type(text: string): void;
  /** Exit status of the program (128 + the signal that ended it), once all it wrote is on the screen; it is killed after `ms`. */
  ended(ms?: number): Promise<number>;
}

interface TerminalOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** 200 and 40, if not given. */
  readonly columns?: number;
  readonly rows?: number;
}

const libc = koffi.load('libc.so.6');
koffi.struct('pty_winsize', { row: 'uint16', col: 'uint16', xpixel: 'uint16', ypixel: 'uint16' });
const openpty = libc.func(
  'int openpty(_Out_ int *master, _Out_ int *slave, void *name, void *termios, pty_winsize *size)',
);
const fcntl = libc.func('int fcntl(int fd, int command, int value)');
const F_SETFD = 2;
const FD_CLOEXEC = 1;

function openPair({ rows = 40, columns = 200 }: TerminalOptions): { master: number; slave: number } {
  const master = [0];
  const slave = [0];
  const size = { row: rows, col: columns, xpixel: 0, ypixel: 0 };
  if (openpty(master, slave, null, null, size) !== 0) throw new Error('openpty failed');
  const pair = { master: master[0] as number, slave: slave[0] as number };
  // A copy of the master in the child would keep the terminal open after we close ours.
  for (const fd of Object.values(pair)) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return pair;
}

/** Starts `argv` on a new terminal. */
export function openTerminal(argv: readonly string[], options: TerminalOptions = {}): Terminal {
  const { master, slave } = openPair(options);
  // Who sits at a terminal is no CI: with CI set the program asks nothing.
  const { CI: _, ...rest } = options.env ?? process.env;
  const env = { ...rest, TERM: 'xterm' };
  const child = spawn('setsid', ['--ctty', '--wait', ...argv], {
    stdio: [slave, slave, slave],
    env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  closeSync(slave);
  const stream = new ReadStream(master);
  let output = '';
  let seen = 0;
  const listeners = new Set<() => void>();
  stream.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
    for (const listener of listeners) listener();
  });
  // Linux reports EIO on the master once nobody has the slave open.
  const drained = new Promise<void>((resolve) => {
    stream.on('error', () => resolve());
    stream.on('close', () => resolve());
    stream.on('end', () => resolve());
  });
  const status = new Promise<number>((resolve) => {
    child.once('error', () => resolve(127));
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
  const screen = () => stripVTControlCharacters(output).replaceAll('\r', '');

  return {
    output: () => output,
    screen,
    shows: (pattern, ms = 60_000) =>
      new Promise((resolve, reject) => {
        const done = (action: () => void) => {
          clearTimeout(timer);
          listeners.delete(look);
          action();
        };
        const look = () => {
          const match = new RegExp(pattern.source, pattern.flags.replace('g', '')).exec(screen().slice(seen));
          if (!match) return;
          seen += match.index + match[0].length;
          done(resolve);
        };
        const timer = setTimeout(() => done(() => reject(new Error(`no ${pattern} on:\n${screen()}`))), ms);
        listeners.add(look);
        look();
      }),
    type: (text) => {
      stream.write(text);
    },
    async ended(ms = 120_000) {
      const timer = setTimeout(() => child.kill('SIGKILL'), ms);
      const code = await status;
      clearTimeout(timer);
      await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, 5_000))]);
      stream.destroy();
      return code;
    },
  };
}
