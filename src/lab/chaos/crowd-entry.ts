/** Many nodes that are in etcd only. argv: the options of `openCrowd` as JSON. Asked to join or to leave, by lines of JSON. */
import type { CrowdOptions, Joined } from '../../host/crowd.ts';
import { answerAll } from './asked.ts';

export type CrowdQuestion = { readonly ask: 'join' | 'leave' };
export type CrowdAnswer = Partial<Joined>;

async function main(): Promise<void> {
  const { openCrowd } = await import('../../host/crowd.ts');
  const crowd = await openCrowd(JSON.parse(process.argv[2] ?? '') as CrowdOptions);
  await answerAll<CrowdQuestion, CrowdAnswer>(async ({ ask }) => {
    if (ask === 'join') return crowd.join();
    await crowd.leave();
    return {};
  });
}

await main();
