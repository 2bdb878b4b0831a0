import type { Requests } from '../control/protocol.ts';
import { followGateway } from './gateway.ts';
import type { Node } from './node.ts';

/** Looks at everything now; resolves when what was found is mended. */
export async function ring(node: Node): Promise<Requests['ring']> {
  const before = node.reconciler.status().changes;
  await followGateway(node);
  node.reconciler.ring('all');
  node.parts.docker?.look();
  await node.reconciler.settled();
  return { changes: node.reconciler.status().changes - before };
}
