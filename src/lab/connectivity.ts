import { TsflannelError } from '../errors.ts';
import type { PairReport } from '../model/connectivity.ts';
import type { Lab, LabNode } from './lab.ts';
import { runOn } from './node.ts';

const TIMEOUT_MS = 10 * 60_000;

async function testFrom(lab: Lab, node: LabNode, flags: readonly string[]): Promise<readonly PairReport[]> {
  const { stdout } = await runOn(lab, node, ['tsflannel', 'test', 'connectivity', '--json', ...flags], TIMEOUT_MS);
  const answer = JSON.parse(stdout) as { pairs?: readonly PairReport[]; error?: { what: string; why: string } };
  if (answer.pairs) return answer.pairs;
  throw new TsflannelError('LAB_STUCK', { detail: `${node.name}: ${answer.error?.what}: ${answer.error?.why}` });
}

/** All pairs of a lab, by the command of each node, one node after the other. Throws LAB_STUCK with what a node said. */
export async function testLab(lab: Lab, flags: readonly string[]): Promise<readonly PairReport[]> {
  const pairs: PairReport[] = [];
  for (const node of lab.nodes) pairs.push(...(await testFrom(lab, node, flags)));
  return pairs;
}
