import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { ask, askIfRunning, askIfUp } from '../../../src/control/client.ts';
import { runDown } from '../../../src/daemon/down.ts';
import { TsflannelError } from '../../../src/errors.ts';
import { viewFilePath } from '../../../src/files/view-file.ts';
import { systemClock } from '../../../src/model/clock.ts';
import { openStore } from '../../../src/store/store.ts';
import { type DaemonRig, daemonRig } from '../../support/daemon.ts';
import { NET } from '../../support/kvs.ts';
import { overwrite } from '../../support/lease.ts';
import { hostOf } from '../../support/scene.ts';
import { until } from '../../support/until.ts';
import { ip } from '../../support/values.ts';

describe('a daemon that starts while etcd is away', () => {
  let rig: DaemonRig;
  let before = '';
  const statusNow = () => ask(rig.options.runDir, 'status');

  async function stop(ended: Promise<void>): Promise<void> {
    await ask(rig.options.runDir, 'stop');
    await ended;
  }

  /** A node that was up once, on the machine with this fingerprint. */
  beforeEach(async () => {
    rig = await daemonRig();
    const { ready, ended } = rig.run({
      makeHost: async (nodeId) => hostOf(1, { nodeId, hostId: 'a'.repeat(16), subnetFile: rig.options.subnetFile }),
    });
    await ready;
    before = (await statusNow()).subnet;
    await stop(ended);
    rig.etcd.setUp(false);
  });
  afterEach(async () => {
    rig.etcd.setUp(true);
    await askIfRunning(rig.options.runDir, 'stop');
    await until('no daemon', async () => (await askIfRunning(rig.options.runDir, 'ping')) === undefined);
    await rig.remove();
  });

  it('is up on its former subnet, and writes nothing when all is as it was', async () => {
    const revision = rig.etcd.revision();
    const { ready, ended } = rig.run({
      makeHost: async (nodeId) => hostOf(1, { nodeId, hostId: 'a'.repeat(16), subnetFile: rig.options.subnetFile }),
    });
    await ready;
    const status = await statusNow();
    assert.deepEqual([status.subnet, status.ready], [before, true]);
    assert.ok(status.cachedAt);
    rig.etcd.setUp(true);
    await until('etcd has confirmed it', async () => (await statusNow()).cachedAt === undefined);
    assert.equal((await statusNow()).subnet, before);
    assert.equal(rig.etcd.revision(), revision);
    await stop(ended);
  });

  it('starts over when etcd comes back with another network', async () => {
    const { ready, ended } = rig.run();
    await ready;
    rig.etcd.setUp(true);
    await overwrite(rig.etcd, 'config', JSON.stringify({ Network: '10.77.0.0/16' }));
    await until('the new network', async () => {
      const status = await askIfUp(rig.options.runDir, 'status');
      return status?.ready === true && status.network === '10.77.0.0/16';
    });
    const status = await statusNow();
    assert.match(status.subnet, /^10\.77\./);
    assert.equal(status.cachedAt, undefined);
    assert.deepEqual((await ask(rig.options.runDir, 'plan')).steps, []);
    await stop(ended);
  });

  it('does not, with the disk of another machine', async () => {
    const { ended } = rig.run({
      makeHost: async (nodeId) => hostOf(1, { nodeId, hostId: 'b'.repeat(16), publicIp: ip('10.200.0.9') }),
    });
    await assert.rejects(ended, (error) => error instanceof TsflannelError && error.code === 'NODE_ID_UNSURE');
  });

  it('does not after down, which gives the subnet back', async () => {
    rig.etcd.setUp(true);
    const { stateDir, runDir } = rig.options;
    assert.ok(existsSync(viewFilePath(stateDir)));
    const openStoreNow = async () => openStore(rig.etcd.client(), NET);
    const parts = { kernel: rig.kernel, clock: systemClock, openStore: openStoreNow };
    await runDown({ stateDir, runDir, purge: false, dryRun: false }, parts);
    assert.equal(existsSync(viewFilePath(stateDir)), false);
    rig.etcd.setUp(false);
    await assert.rejects(rig.run().ended, (error) => error instanceof TsflannelError && /^ETCD_/.test(error.code));
  });
});
