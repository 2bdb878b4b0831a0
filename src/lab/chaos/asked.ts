import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { entryFile } from '../../root.ts';
import type { Lab } from '../lab.ts';
import { inNamespace, markedEnvironment } from '../node.ts';

/** A program of the lab's in a namespace, which is asked by lines of JSON and answers each by one. */
export interface Asked<Question, Answer> {
  /** Rejects when the program has ended. */
  ask(question: Question): Promise<Answer>;
  kill(): Promise<void>;
}

/** Starts `lab/chaos/NAME-entry`, which says one line first. Answers come in the order of the questions. */
export async function startAsked<Question, Answer>(
  lab: Lab,
  namespace: string,
  name: string,
  ...args: readonly string[]
): Promise<Asked<Question, Answer>> {
  const file = fileURLToPath(entryFile(`lab/chaos/${name}-entry`));
  const [program, ...argv] = inNamespace(namespace, [process.execPath, file, ...args]);
  const child = spawn(program, argv, { env: markedEnvironment(lab), stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const waiting: PromiseWithResolvers<Answer>[] = [];
  let hasEnded = false;
  const ended = () => new Error(`${name} of ${namespace} has ended`);
  const next = () => {
    const one = Promise.withResolvers<Answer>();
    if (hasEnded) one.reject(ended());
    else waiting.push(one);
    return one.promise;
  };
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line)));
  void exited.then(() => {
    hasEnded = true;
    for (const one of waiting.splice(0)) one.reject(ended());
  });
  child.stdin.on('error', () => undefined);
  await next();
  return {
    ask(question) {
      const answer = next();
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return answer;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The other side: says that it is there, and answers each question by what `answer` makes of it, until nobody asks any more. */
export async function answerAll<Question, Answer>(
  answer: (question: Question) => Answer | Promise<Answer>,
): Promise<void> {
  console.log('{}');
  for await (const line of createInterface({ input: process.stdin }))
    console.log(JSON.stringify(await answer(JSON.parse(line) as Question)));
  process.exit(0);
}
