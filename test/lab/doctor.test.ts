import assert from 'node:assert/strict';
import { etcdFaults, keyFaults } from '../support/faults/etcd.ts';
import { kernelFaults } from '../support/faults/kernel.ts';
import { useFaults } from '../support/faults/naming.ts';
import { dockerFaults, filterFaults, networkFaults } from '../support/faults/network.ts';
import { runOn } from '../support/lab.ts';
import { killDaemon, statusOf, upAgain } from '../support/lab-daemon.ts';
import { until } from '../support/until.ts';

describe('doctor names faults, and status leads to them', () => {
  const { lab, failed, subnets, itNames } = useFaults({ name: 'lab-doctor', backend: 'vxlan', docker: true });

  it('none on a node that is well', async () => {
    // A peer that is asked while the machine is busy may be late once.
    await until('no failure', async () => (await failed()).length === 0);
    await until('status is ok', async () => (await statusOf(lab, 2)).state === 'ok');
  }).timeout(240_000);

  it('and wait ends when what is waited for is there, or when the time is over', async () => {
    const goals = ['ready', 'lease', 'etcd', 'peers=2', `route=${subnets()[2]}`].flatMap((goal) => ['--for', goal]);
    await lab.run(2, 'tsflannel', 'wait', ...goals, '--timeout', '60s');
    const late = await runOn(lab.lab, lab.node(2), ['tsflannel', 'wait', '--for', 'peers=3', '--timeout', '1s']);
    assert.equal(late.exit, 75);
    assert.match(late.stderr, /3 peers did not come about in 1 s/);
  }).timeout(240_000);

  itNames(...filterFaults, ...networkFaults, ...dockerFaults, ...keyFaults, ...etcdFaults);

  describe('with its daemon killed', () => {
    before(() => killDaemon(lab.node(2)));

    it('daemon: the daemon is gone', async () => {
      const { exit, stdout } = await runOn(lab.lab, lab.node(2), ['tsflannel', 'doctor']);
      assert.equal(exit, 9);
      assert.match(stdout, /^fail {2}daemon: [\s\S]*tsflannel up --detach/m);
      assert.equal((await statusOf(lab, 2)).state, 'down');
    }).timeout(240_000);

    itNames(...kernelFaults);

    it('all is well when it is up again', async () => {
      await upAgain(lab, 2);
      await until('no failure', async () => (await failed()).length === 0);
    }).timeout(240_000);
  });
});
