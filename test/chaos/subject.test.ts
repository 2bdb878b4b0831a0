/**
 * Faults put to a daemon that cannot be asked for its plan: tsflannel itself stands in, by its command line, on every second node. No test
 * needs the real flanneld; `lab chaos --subject` puts it to the same faults.
 */
import assert from 'node:assert/strict';
import type { Fault } from '../../src/lab/chaos/chaos.ts';
import { faultsFor } from '../../src/lab/chaos/faults.ts';
import { makeGround, type OpenGround } from '../../src/lab/chaos/ground.ts';
import { VICTIM } from '../../src/lab/chaos/parts.ts';
import { measureFault } from '../../src/lab/chaos/runner.ts';
import type { Stage } from '../../src/lab/chaos/stage.ts';
import { labDown } from '../../src/lab/index.ts';
import { slowAfter, slowBefore } from '../support/hooks.ts';
import { showsOf, TEST_LABS } from '../support/lab.ts';
import { difference, type Snapshot } from '../support/leaks.ts';

const NAME = 'chaos-other';
const SLACK = 10;
const HOOK_MS = 300_000;
const FAULT_MS = 600_000;
const PATIENCE_MS = 60_000;

const anyTime = { gapMs: Number.POSITIVE_INFINITY, healMs: Number.POSITIVE_INFINITY };

function running({ subject, node }: Stage): number {
  const pid = subject.pid(node(VICTIM));
  assert.ok(pid !== undefined, 'no daemon runs');
  return pid;
}

/** The daemon is held, so that nobody mends the route; it is waited for a moment only. */
const held = (ground: OpenGround): Fault => ({
  ...{ row: 0, name: 'held', about: 'a daemon is stopped and a route deleted', budget: () => anyTime, hits: [VICTIM] },
  async run(stage) {
    ground.patienceMs = 1_000;
    process.kill(running(stage), 'SIGSTOP');
    await stage.run(VICTIM, 'ip', 'route', 'del', await stage.subject.subnet(stage.node(1)));
  },
  async undo() {
    ground.patienceMs = PATIENCE_MS;
  },
});

const endedAlone: Fault = {
  ...{ row: 0, name: 'ended', about: 'a daemon ends by itself', budget: () => anyTime },
  async run(stage) {
    const pid = running(stage);
    process.kill(pid, 'SIGTERM');
    await stage.until('another runs', async () => ![undefined, pid].includes(stage.subject.pid(stage.node(VICTIM))));
  },
};

describe('faults of a daemon that cannot be asked', () => {
  let ground: OpenGround;
  let shown: Snapshot = {};
  slowBefore(HOOK_MS, async () => {
    await labDown(NAME, TEST_LABS);
    shown = await showsOf(NAME);
    const subject = { subject: ['tsflannel', 'up'], mixed: true, patienceMs: PATIENCE_MS };
    const options = { name: NAME, labs: TEST_LABS, backend: 'vxlan', short: true, seed: 1, ...subject } as const;
    ground = await makeGround({ ...options, progress: () => undefined });
  });

  for (const fault of faultsFor(['route-deleted'], { backend: 'vxlan', own: false, former: false }))
    it(`are judged by packets and the kernel: ${fault.name}`, async () => {
      assert.deepEqual((await measureFault(ground, fault, SLACK)).failures, []);
    }).timeout(FAULT_MS);

  it('are seen not to heal; it is started anew then', async () => {
    const { failures, healed } = await measureFault(ground, held(ground), SLACK);
    assert.equal(healed, false);
    assert.ok(failures.includes('did not heal in 1 s; restarted'), failures.join('\n'));
    assert.deepEqual(
      failures.filter((line) => line.startsWith('after the restart')),
      [],
    );
  }).timeout(FAULT_MS);

  it('find it started again when it ended by itself', async () => {
    const { failures, notes } = await measureFault(ground, endedAlone, SLACK);
    assert.deepEqual(failures, []);
    assert.ok(notes.includes(`n${VICTIM} ended by itself, and was started again`), notes.join('\n'));
  }).timeout(FAULT_MS);

  it('lose nothing while both are restarted in turn, and all keep their subnets', async () => {
    const [rolling] = faultsFor(['rolling-restart'], { backend: 'vxlan', own: false, former: false });
    assert.ok(rolling);
    assert.deepEqual((await measureFault(ground, rolling, SLACK)).failures, []);
  }).timeout(FAULT_MS);

  slowAfter(HOOK_MS, async () => {
    await ground?.close();
    assert.equal(difference(shown, await showsOf(NAME)), '', 'the lab left something');
  });
});
