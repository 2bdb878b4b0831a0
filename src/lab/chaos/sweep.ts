import type { Lab, LabNode } from '../lab.ts';
import { runOn } from '../node.ts';
import { layRules } from './canaries.ts';
import { DEVICES, peerRoutes } from './ways.ts';

/** Takes from the node's kernel what its daemon left: device, routes, rules. The daemon is to be dead; the pod and what is of others stay. */
export async function sweep(lab: Lab, node: LabNode): Promise<void> {
  const { backend } = lab.spec;
  if (backend !== 'host-gw') await runOn(lab, node, ['ip', 'link', 'del', DEVICES[backend]]);
  for (const words of await peerRoutes(lab, node)) {
    const dst = words.find((word) => word.includes('/'));
    if (dst) await runOn(lab, node, ['ip', 'route', 'del', dst]);
  }
  await runOn(lab, node, ['nft', 'flush', 'ruleset']);
  await layRules(lab, node);
}
