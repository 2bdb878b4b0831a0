import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ask } from '../../../src/control/client.ts';
import { type DownOptions, type DownResult, runDown } from '../../../src/daemon/down.ts';
import { TsflannelError } from '../../../src/errors.ts';
import { keyOf } from '../../../src/kernel/state.ts';
import { systemClock } from '../../../src/model/clock.ts';
import { printLease } from '../../../src/model/lease.ts';
import { openStore } from '../../../src/store/store.ts';
import { type DaemonRig, daemonRig } from '../../support/daemon.ts';
import { NET } from '../../support/kvs.ts';
import { overwrite } from '../../support/lease.ts';
import { docker0 } from '../../support/scene.ts';
import { announcementOf } from '../../support/values.ts';

describe('down', () => {
  let rig: DaemonRig;
  beforeEach(async () => {
    rig = await daemonRig({ Network: '10.5.0.0/16', Backend: { Type: 'host-gw' } });
  });
  afterEach(() => rig.remove());

  const down = (options: Partial<DownOptions> = {}): Promise<DownResult> => {
    const { stateDir, runDir } = rig.options;
    const openStoreNow = async () => openStore(rig.etcd.client(), NET);
    const parts = { kernel: rig.kernel, clock: systemClock, openStore: openStoreNow };
    return runDown({ stateDir, runDir, purge: false, dryRun: false, ...options }, parts);
  };
  const steps = ({ plan }: DownResult): string[] => plan.map(({ action, object }) => `${action} ${keyOf(object)}`);
  const ours = async (): Promise<string[]> => {
    const seen = await rig.kernel.observe({ paths: [], sysctls: [] });
    return [...seen].flatMap(([key, one]) => (one.ours ? [key] : []));
  };
  /** The fake kernel keeps files to itself: what it would write stands on the disk. */
  const writeEnv = async () => {
    const { subnetFile } = rig.options;
    const file = (await rig.kernel.observe({ paths: [subnetFile], sysctls: [] })).get(`file/${subnetFile}`)?.object;
    await mkdir(dirname(subnetFile), { recursive: true });
    await writeFile(subnetFile, file?.kind === 'file' ? file.content : '');
  };
  const forward = async () =>
    (await rig.kernel.observe({ paths: [], sysctls: ['net.ipv4.ip_forward'] })).get('sysctl/net.ipv4.ip_forward')
      ?.object;

  it('stops the daemon, gives the lease back, removes what is ours; then there is nothing to do', async () => {
    const { ready, ended } = rig.run();
    await ready;
    await writeEnv();
    const { subnet } = await ask(rig.options.runDir, 'status');
    const result = await down();
    await ended;
    assert.deepEqual([result.released, result.daemon], [subnet, process.pid]);
    assert.deepEqual(await ours(), []);
    assert.ok(steps(result).includes(`remove file/${rig.options.subnetFile}`));
    assert.deepEqual(await forward(), { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: '0' });
    assert.deepEqual((await rig.etcd.client().range(`${NET}/subnets/`)).kvs, []);
    assert.deepEqual(await readdir(rig.options.stateDir), ['node.json']);
    const { nodeId, subnet: kept } = JSON.parse(await readFile(join(rig.options.stateDir, 'node.json'), 'utf8'));
    assert.ok(nodeId && kept === undefined);
    const { rm } = await import('node:fs/promises');
    await rm(rig.options.subnetFile, { force: true });
    const again = await down();
    assert.deepEqual(
      [steps(again), again.released, again.daemon, again.leaseProblem],
      [[], undefined, undefined, undefined],
    );
  });

  it('shows what it would do, and does nothing', async () => {
    const { ready, ended } = rig.run();
    await ready;
    const before = await ours();
    const revision = rig.etcd.revision();
    const { plan, outcomes } = await down({ dryRun: true });
    assert.ok(plan.length > 0 && outcomes.length === 0);
    assert.deepEqual(await ours(), before);
    assert.equal(rig.etcd.revision(), revision);
    assert.equal((await ask(rig.options.runDir, 'ping')).ready, true);
    await ask(rig.options.runDir, 'stop');
    await ended;
  });

  it('forgets who the node is only when it shall', async () => {
    const first = rig.run();
    await first.ready;
    const { nodeId } = await ask(rig.options.runDir, 'status');
    await down();
    await first.ended;
    const second = rig.run();
    await second.ready;
    assert.equal((await ask(rig.options.runDir, 'status')).nodeId, nodeId);
    await down({ purge: true });
    await second.ended;
    assert.deepEqual(await readdir(rig.dir), []);
  });

  it('leaves what it did not write: another subnet.env, ip_forward that Docker needs, leases of others', async () => {
    const { ready, ended } = rig.run();
    await ready;
    await writeEnv();
    await writeFile(
      rig.options.subnetFile,
      'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.99.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
    );
    for (const object of docker0('172.17.0.0/16')) rig.kernel.foreign(object);
    await overwrite(rig.etcd, 'subnets/10.5.77.0-24', printLease(announcementOf(7)));
    const done = steps(await down());
    await ended;
    assert.ok(!done.some((step) => /file|sysctl|docker0|eth0$/.test(step)), done.join());
    const { kvs } = await rig.etcd.client().range(`${NET}/subnets/`);
    assert.deepEqual(
      kvs.map(({ key }) => key),
      [`${NET}/subnets/10.5.77.0-24`],
    );
  });

  it('gives back an old lease too, whatever the config says by now; a reservation stays', async () => {
    const { ready, ended } = rig.run();
    await ready;
    const { nodeId } = await ask(rig.options.runDir, 'status');
    await ask(rig.options.runDir, 'stop');
    await ended;
    const value = printLease({ ...announcementOf(1), nodeId });
    await overwrite(rig.etcd, 'subnets/10.9.1.0-26', value, await rig.etcd.client().grant(600));
    await overwrite(rig.etcd, 'subnets/10.5.99.0-24', value);
    await overwrite(rig.etcd, 'config', '{"Network":"10.88.0.0/16"}');
    const { released } = await down();
    assert.match(released ?? '', /^10\.5\.\d+\.0\/24, 10\.9\.1\.0\/26$/);
    const { kvs } = await rig.etcd.client().range(`${NET}/subnets/`);
    assert.deepEqual(
      kvs.map(({ key }) => key),
      [`${NET}/subnets/10.5.99.0-24`],
    );
  });

  it('works without etcd, and says that the lease ends by itself', async () => {
    const { ready, ended } = rig.run();
    await ready;
    rig.etcd.setUp(false);
    const { released, leaseProblem } = await down();
    await ended;
    assert.equal(released, undefined);
    assert.match(leaseProblem ?? '', /etcd does not answer/);
    assert.deepEqual(await ours(), []);
  });

  it('says what the kernel does not let go', async () => {
    const { ready, ended } = rig.run();
    await ready;
    rig.kernel.refuse('chain/nat/TSFLANNEL-POSTRTG', 'busy');
    await assert.rejects(
      down(),
      (error) => error instanceof TsflannelError && error.code === 'KERNEL_REFUSED' && error.why === 'busy',
    );
    await ended;
    rig.kernel.refuse('chain/nat/TSFLANNEL-POSTRTG', undefined);
    await down();
    assert.deepEqual(await ours(), []);
  });
});
