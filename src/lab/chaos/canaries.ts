import type { Lab, LabNode } from '../lab.ts';
import { mustRun, runOn } from '../node.ts';
import type { Stage } from './stage.ts';

/**
 * What another program has on each node, of every kind that ours keeps too: whatever is done to a node, its snapshot shows them as they were
 * (promise 4). They lead nowhere, and nothing of the faults goes over them.
 */

const DEVICE = 'canary0';
const TUNNEL = 'canary1';

const OBJECTS: readonly string[] = [
  `link add ${DEVICE} type bridge`,
  `address add 192.0.2.1/24 dev ${DEVICE}`,
  `link set ${DEVICE} up`,
  `neigh add 192.0.2.9 lladdr 02:be:ac:00:00:09 dev ${DEVICE} nud permanent`,
  `route add 203.0.113.0/24 via 192.0.2.9 dev ${DEVICE} proto 99`,
  `route add 203.0.113.0/24 via 192.0.2.9 dev ${DEVICE} table 4242`,
  'rule add priority 4242 to 203.0.113.0/24 lookup 4242',
  `link add ${TUNNEL} type vxlan id 4242 dstport 4799 dev ${DEVICE} nolearning`,
  `link set ${TUNNEL} up`,
];

const TABLE =
  'table ip canary { chain forward { type filter hook forward priority 10; ip daddr 203.0.113.7 accept; }; }';
const JUMP = '-m comment --comment canary -j CANARY'.split(' ');

/** Another program's table, and its chain with a jump to it, as Docker has some. What is there stays. */
export async function layRules(lab: Lab, node: LabNode): Promise<void> {
  const iptables = (...argv: string[]) => runOn(lab, node, ['iptables', ...argv]);
  if ((await runOn(lab, node, ['nft', 'list', 'table', 'ip', 'canary'])).exit !== 0)
    await mustRun(lab, node, ['nft', TABLE]);
  if ((await iptables('-N', 'CANARY')).exit === 0)
    await iptables('-A', 'CANARY', '-d', '203.0.113.8/32', '-j', 'RETURN');
  if ((await iptables('-C', 'FORWARD', ...JUMP)).exit !== 0)
    await mustRun(lab, node, ['iptables', '-A', 'FORWARD', ...JUMP]);
}

/** Puts them all on every node. */
export const layCanaries = async (lab: Lab): Promise<void> =>
  void (await Promise.all(
    lab.nodes.map(async (node) => {
      for (const object of OBJECTS) await mustRun(lab, node, ['ip', ...object.split(' ')]);
      await mustRun(lab, node, ['bridge', 'fdb', 'add', '02:be:ac:00:00:0a', 'dev', TUNNEL, 'dst', '192.0.2.9']);
      await layRules(lab, node);
    }),
  ));

/** The others put back what of theirs was flushed: what of ours was, nobody but we will. */
export const layRulesAgain = ({ lab, node }: Stage, number: number): Promise<void> => layRules(lab, node(number));

/** Flushes all rules as a careless program does. */
export async function flushRules(stage: Stage, number: number): Promise<void> {
  await stage.run(number, 'nft', 'flush', 'ruleset');
  await layRulesAgain(stage, number);
}
