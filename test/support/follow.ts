/** A command that follows something until Ctrl-C: what it prints, line by line, held against its schema. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { holdToSchema } from './held.ts';
import { until } from './until.ts';

export interface Following {
  /** Lines of stdout so far. */
  lines(): readonly string[];
  /** Waits until so many lines are there; then as Ctrl-C. Resolves to the exit status, or the signal it died of. */
  interruptAfter(lines: number): Promise<number | NodeJS.Signals | null>;
}

const WAIT_MS = 60_000;

/** Starts `argv`, whose words say which command of ours it is. */
export function follow(argv: readonly string[], env: NodeJS.ProcessEnv): Following {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const lines = () => text.split('\n').slice(0, -1);
  return {
    lines,
    async interruptAfter(count) {
      try {
        await until(`${count} lines of ${argv.join(' ')}`, () => lines().length >= count, WAIT_MS);
      } finally {
        child.kill('SIGINT');
      }
      const [exit, signal] = await ended;
      holdToSchema(argv, text);
      return exit ?? signal;
    },
  };
}
