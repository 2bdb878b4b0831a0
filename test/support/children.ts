/** Programs of test/support in a namespace of their own, asked by lines: one line of JSON back for each line in. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { nsenterArgs } from '../../src/kernel/linux/netns.ts';
import { packageRoot } from '../../src/root.ts';

export interface Child {
  readonly pid: number;
  /** The answer to this line. Rejects when the program ends before. */
  ask(line: string): Promise<unknown>;
  /** Resolves when it is dead. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Closes its stdin, upon which it ends by itself; resolves to its exit status. */
  end(): Promise<number | null>;
}

/** Starts `test/support/<name>.ts` and waits for its first line. */
export const startChild = (namespace: string, name: string, ...args: string[]): Promise<Child> =>
  startProgram(namespace, join('test/support', `${name}.ts`), ...args);

/** Starts a program of this kind that lies elsewhere in the package, and waits for its first line. */
export async function startProgram(namespace: string, path: string, ...args: string[]): Promise<Child> {
  const [program, ...rest] = nsenterArgs(namespace);
  const argv = [...rest, '--', process.execPath, join(packageRoot(), path), ...args];
  // By the name in its environment leaks.ts tells whose it is.
  const env = { ...process.env, TSFLANNEL_TEST_NAMESPACE: namespace };
  const child = spawn(program!, argv, { stdio: ['pipe', 'pipe', 'inherit'], env });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const waiting: ((line: string | Error) => void)[] = [];
  const next = () =>
    new Promise<unknown>((resolve, reject) => {
      waiting.push((line) => (typeof line === 'string' ? resolve(JSON.parse(line)) : reject(line)));
    });
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line));
  void exited.then(() => {
    for (const give of waiting.splice(0)) give(new Error(`${path} in ${namespace} has ended`));
  });
  child.stdin.on('error', () => {});
  await next();
  return {
    pid: child.pid!,
    ask(line) {
      const answer = next();
      child.stdin.write(`${line}\n`);
      return answer;
    },
    async kill(signal) {
      child.kill(signal);
      await exited;
    },
    async end() {
      child.stdin.end();
      return (await exited)[0];
    },
  };
}
