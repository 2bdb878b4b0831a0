import assert from 'node:assert/strict';
import { runOn } from '../../src/lab/index.ts';
import { etcdFaults, keyFaults } from '../support/faults/etcd.ts';
import type { Fault, Scene } from '../support/faults/fault.ts';
import { kernelFaults } from '../support/faults/kernel.ts';
import { dockerFaults, filterFaults, networkFaults } from '../support/faults/network.ts';
import { useLab } from '../support/lab.ts';
import { killDaemon, statusOf, upAgain } from '../support/lab-daemon.ts';
import { until } from '../support/until.ts';

interface Finding {
  readonly id: string;
  readonly result: 'ok' | 'warn' | 'fail' | 'skip';
  readonly evidence: string;
  readonly fix: readonly string[];
}

describe('doctor names faults', () => {
  const lab = useLab({ name: 'lab-doctor', size: 3, docker: true });
  let scene: Scene;
  let former: Fault | undefined;

  async function doctor(): Promise<ReadonlyMap<string, Finding>> {
    const { stdout } = await runOn(lab.lab, lab.node(2), ['tsflannel', 'doctor', '--json']);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    return new Map(findings.map((one) => [one.id, one]));
  }

  const isNamed = (fault: Fault, { result, evidence }: Finding): boolean =>
    (result === 'warn' || result === 'fail') && (fault.says?.test(evidence) ?? true);

  const isGone = (fault: Fault | undefined, now: Fault, seen: ReadonlyMap<string, Finding>): boolean => {
    const finding = fault && fault.check !== now.check ? seen.get(fault.check) : undefined;
    return !fault || !finding || !isNamed(fault, finding);
  };

  /** Named while it is there, and the one before it no more: either may take a moment to show. */
  async function named(fault: Fault, before: Fault | undefined): Promise<void> {
    let seen: ReadonlyMap<string, Finding> = new Map();
    const isTold = async () => {
      seen = await doctor();
      const now = seen.get(fault.check);
      return now !== undefined && isNamed(fault, now) && now.fix.length > 0 && isGone(before, fault, seen);
    };
    await until(fault.name, isTold, 30_000).catch((error: Error) => {
      const told = [fault, before].map((one) => JSON.stringify(one && seen.get(one.check)));
      assert.fail(`${error.message}: ${told.join('; before: ')}`);
    });
  }

  function itNames(fault: Fault): void {
    it(`${fault.check}: ${fault.name}`, async () => {
      const before = former;
      former = fault;
      await fault.inject(scene);
      try {
        await named(fault, before);
        if (fault.status === undefined) return;
        const row = (await statusOf(lab, 2)).checks.find(({ name }) => name === fault.status);
        assert.notEqual(row?.state, 'ok', JSON.stringify(row));
      } finally {
        await fault.undo(scene);
      }
    }).timeout(60_000);
  }

  before(async () => {
    const subnets = await Promise.all(
      [1, 2, 3].map(async (number) => (await statusOf(lab, number)).node?.subnet ?? ''),
    );
    scene = { ...lab, lab: lab.lab, subnets };
  });

  const failed = async () => [...(await doctor()).values()].filter(({ result }) => result === 'fail');

  it('none on a node that is well', async () => {
    let last: readonly Finding[] = [];
    const isWell = async () => {
      last = await failed();
      return last.length === 0;
    };
    await until('no failure', isWell, 30_000).catch((error: Error) =>
      assert.fail(`${error.message}: ${JSON.stringify(last)}`),
    );
    assert.equal((await statusOf(lab, 2)).state, 'ok');
  }).timeout(60_000);

  it('and wait ends when what is waited for is there, or when the time is over', async () => {
    const goals = ['ready', 'lease', 'etcd', 'peers=2', `route=${scene.subnets[2]}`].flatMap((goal) => ['--for', goal]);
    await lab.run(2, 'tsflannel', 'wait', ...goals, '--timeout', '30s');
    const late = await runOn(lab.lab, lab.node(2), ['tsflannel', 'wait', '--for', 'peers=3', '--timeout', '1s']);
    assert.equal(late.exit, 75);
    assert.match(late.stderr, /3 peers did not come about in 1 s/);
  }).timeout(60_000);

  for (const fault of [...filterFaults, ...networkFaults, ...dockerFaults, ...keyFaults, ...etcdFaults]) itNames(fault);

  describe('with its daemon killed', () => {
    before(() => killDaemon(lab.node(2)));

    it('daemon: the daemon is gone', async () => {
      const { exit, stdout } = await runOn(lab.lab, lab.node(2), ['tsflannel', 'doctor']);
      assert.equal(exit, 9);
      assert.match(stdout, /^fail {2}daemon: [\s\S]*tsflannel up --detach/m);
      assert.equal((await statusOf(lab, 2)).state, 'down');
    }).timeout(30_000);

    for (const fault of kernelFaults) itNames(fault);

    it('all is well when it is up again', async () => {
      await upAgain(lab, 2);
      await until('no failure', async () => (await failed()).length === 0, 30_000);
    }).timeout(60_000);
  });
});
