import { startDockerd, stopDockerd } from '../dockerd.ts';
import { dockerDirOf } from '../node.ts';
import { flushRules } from './canaries.ts';
import type { Fault } from './chaos.ts';
import { VICTIM } from './parts.ts';
import type { Stage } from './stage.ts';

/** Row 28: Docker on the same host, with its own rules and its own bridge. The lab's containers are not its. */

/** On a network of its own: the node's subnet is on the bridge of the lab's container. */
const spec = ({ node }: Stage) => ({ netns: node(VICTIM).namespace, dir: dockerDirOf(node(VICTIM)) });

const restarted: Fault = {
  row: 28,
  name: 'dockerd-restarted',
  about:
    'a dockerd starts beside the daemon, ends and starts again: it sets the FORWARD policy to DROP, and has rules of its own',
  budget: () => ({ gapMs: 1_000, healMs: 2_000 }),
  hits: [VICTIM],
  async run(stage) {
    const { dir } = spec(stage);
    await startDockerd(spec(stage));
    await stopDockerd(dir);
    await startDockerd(spec(stage));
    const rules = await stage.run(VICTIM, 'iptables', '-S', 'FORWARD');
    stage.expect(rules.includes('DOCKER'), `Docker's rules are gone: ${rules}`);
  },
  async undo(stage) {
    await stopDockerd(spec(stage).dir);
    await stage.attempt(VICTIM, 'ip', 'link', 'del', 'docker0');
    await flushRules(stage, VICTIM);
  },
};

export const DOCKER_FAULTS: readonly Fault[] = [restarted];
