/** Faults of the chaos lab as tests: one lab a describe block, one test a fault. */
import assert from 'node:assert/strict';
import { faultsFor } from '../../src/lab/chaos/faults.ts';
import { makeGround, type OpenGround } from '../../src/lab/chaos/ground.ts';
import { measureFault } from '../../src/lab/chaos/runner.ts';
import type { Backend } from '../../src/lab/chaos/stage.ts';
import { labDown } from '../../src/lab/index.ts';
import type { CarrierType } from '../../src/model/backend-config.ts';
import { chaosTable } from '../../src/output/chaos.ts';
import { slowAfter, slowBefore } from './hooks.ts';
import { showsOf, TEST_LABS } from './lab.ts';
import { leftNothing, type Snapshot } from './leaks.ts';

/** Times differ from machine to machine; what may not be lost may not be lost on any. */
const SLACK = 10;
/** Of carrier tun packets are lost for as long as a daemon takes to start, which is what a busy machine is slowest at. */
const SLACK_TUN = 60;
/** Until nothing more is to be hoped for: a machine that does thirty things at once needs three minutes for the longest of them. */
const HOOK_MS = 300_000;
const FAULT_MS = 600_000;
/** A pair has answered when what was sent since was taken: the ends of the flows may be seconds behind, and are slowest of all to catch up. */
const PATIENCE_MS = 240_000;

/** Registers the faults of these rows or names, in short: with a carrier of udp's, or where containers are Docker's. */
export function faultTests(backend: Backend, which: readonly string[], special?: CarrierType | 'docker'): void {
  const name = ['chaos', backend, ...(special ? [special] : [])].join('-');
  const docker = special === 'docker';
  const carrier = special === 'docker' ? undefined : special;
  let ground: OpenGround | undefined;
  let shown: Snapshot = {};
  slowBefore(HOOK_MS, async () => {
    await labDown(name, TEST_LABS);
    shown = await showsOf(name);
    const options = {
      name,
      labs: TEST_LABS,
      backend,
      carrier,
      docker,
      short: true,
      seed: 1,
      patienceMs: PATIENCE_MS,
      progress: () => undefined,
    };
    ground = await makeGround(options);
  });
  for (const fault of faultsFor(which, { backend, own: true, former: false }))
    it(`row ${fault.row}: ${fault.name}`, async () => {
      assert.ok(ground, 'the lab is up');
      const result = await measureFault(ground, fault, carrier === 'tun' ? SLACK_TUN : SLACK);
      console.log(chaosTable([result]).split('\n')[1]);
      assert.deepEqual(result.failures, []);
    }).timeout(FAULT_MS);
  slowAfter(HOOK_MS, async () => {
    await ground?.close();
    await leftNothing(shown, () => showsOf(name), 'the lab left something');
  });
}
