import { setTimeout as sleep } from 'node:timers/promises';
import { askIfUp } from '../control/client.ts';
import { TsflannelError } from '../errors.ts';
import type { Lab, LabNode } from './lab.ts';
import { runDirOf } from './node.ts';

const PATIENCE_MS = 60_000;
const BETWEEN_MS = 20;

/** Whether the node has a route to each of the others. A daemon is ready as soon as it serves the peers it knows, so the others may follow. */
async function meets(lab: Lab, node: LabNode): Promise<boolean> {
  const answer = await askIfUp(runDirOf(node), 'routes');
  const reached = answer?.rows.filter(({ state }) => state === 'ok' || state === 'this node') ?? [];
  return reached.length >= lab.nodes.length;
}

/** Waits until every node reaches every other: who pings next is answered. Throws LAB_FAILED after a minute. */
export async function meetAll(lab: Lab): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (const node of lab.nodes) {
    while (!(await meets(lab, node))) {
      if (performance.now() > end)
        throw new TsflannelError('LAB_FAILED', { detail: `${node.name} lacks routes to the others` });
      await sleep(BETWEEN_MS);
    }
  }
}
