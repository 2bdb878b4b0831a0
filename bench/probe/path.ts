/**
 * One end of a measured path, in its own namespace: a program that is asked by lines of JSON and answers each by one line. `serve` answers
 * when it can be reached; `measure` when all is measured.
 */
import { createInterface } from 'node:readline';
import { measure } from '../../src/probe/client.ts';
import { DEFAULT_PORT, type Plan } from '../../src/probe/probe.ts';
import { serve } from '../../src/probe/server.ts';
import { ipNumber } from '../data/numbers.ts';

/** Dotted address of the server, on both sides. */
export type PathQuestion =
  | { readonly ask: 'serve'; readonly ip: string }
  | { readonly ask: 'measure'; readonly ip: string; readonly plan: Plan };

const CODE = 'bench';
const PORT = DEFAULT_PORT;

let served: Promise<unknown> = Promise.resolve();

async function listen(ip: string): Promise<true> {
  // The last client may just be going.
  await served;
  return new Promise((resolve, reject) => {
    const paths = [{ name: 'path', ip: ipNumber(ip) }];
    const listening = () => resolve(true);
    served = serve({ paths, listen: [ip], port: PORT, code: CODE, waitSeconds: 60, listening }).catch(reject);
  });
}

async function answer(question: PathQuestion): Promise<unknown> {
  const { ip } = question;
  if (question.ask === 'serve') return listen(ip);
  const common = { peer: ip, port: PORT, code: CODE, sources: {}, patienceMs: 2000, progress: () => undefined };
  return (await measure({ ...common, plan: question.plan })).paths[0];
}

async function main(): Promise<void> {
  console.log('"ready"');
  for await (const line of createInterface({ input: process.stdin })) {
    const result = await answer(JSON.parse(line) as PathQuestion).catch((error) => ({
      failed: `${error.message}: ${error.why}`,
    }));
    console.log(JSON.stringify(result));
  }
  process.exit(0);
}

await main();
