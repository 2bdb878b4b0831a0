import { execa } from 'execa';
import { TsflannelError } from '../errors.ts';
import type { PairReport } from '../model/connectivity.ts';
import type { Lab, LabNode } from './lab.ts';
import { nodeEnvironment, onNode, runOn } from './node.ts';

const TIMEOUT_MS = 10 * 60_000;

async function testFrom(lab: Lab, node: LabNode, flags: readonly string[]): Promise<readonly PairReport[]> {
  const { stdout } = await runOn(lab, node, ['tsflannel', 'test', 'connectivity', '--json', ...flags], TIMEOUT_MS);
  const answer = JSON.parse(stdout) as { pairs?: readonly PairReport[]; error?: { what: string; why: string } };
  if (answer.pairs) return answer.pairs;
  throw new TsflannelError('LAB_STUCK', { detail: `${node.name}: ${answer.error?.what}: ${answer.error?.why}` });
}

/** A container's stand-in on the node. Resolves to what ends it when it answers, or has ended since no bridge is there. */
async function answerOn(lab: Lab, node: LabNode): Promise<() => Promise<unknown>> {
  const [program, ...rest] = onNode(node, ['tsflannel', 'test', 'connectivity', `--answer=${TIMEOUT_MS / 1000}`]);
  const options = { env: nodeEnvironment(lab, node), extendEnv: false, reject: false, stdin: 'ignore' } as const;
  const running = execa(program, rest, options);
  await Promise.race([running, new Promise((resolve) => running.stderr.once('data', resolve))]);
  return () => {
    running.kill();
    return running;
  };
}

/** All pairs of a lab, by the command of each node, one node after the other. Throws LAB_STUCK with what a node said. */
export async function testLab(lab: Lab, flags: readonly string[]): Promise<readonly PairReport[]> {
  const wanted = !flags.includes('--no-containers');
  const ends = await Promise.all(wanted ? lab.nodes.map((node) => answerOn(lab, node)) : []);
  try {
    const pairs: PairReport[] = [];
    for (const node of lab.nodes) pairs.push(...(await testFrom(lab, node, flags)));
    return pairs;
  } finally {
    await Promise.all(ends.map((end) => end()));
  }
}
