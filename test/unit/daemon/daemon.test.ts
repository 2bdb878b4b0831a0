import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { ask, askIfRunning, askIfUp } from '../../../src/control/client.ts';
import { TsflannelError } from '../../../src/errors.ts';
import { writeNodeState } from '../../../src/files/node-state.ts';
import { printLease } from '../../../src/model/lease.ts';
import { openStore } from '../../../src/store/store.ts';
import { createTestClock, settle } from '../../support/clock.ts';
import { type DaemonRig, daemonRig } from '../../support/daemon.ts';
import { NET } from '../../support/kvs.ts';
import { overwrite } from '../../support/lease.ts';
import { hostOf } from '../../support/scene.ts';
import { until } from '../../support/until.ts';
import { announcementOf, ip, mac } from '../../support/values.ts';

const codeOf = (code: string) => (error: unknown) => error instanceof TsflannelError && error.code === code;
const subnets = async ({ etcd }: DaemonRig) => (await etcd.client().range(`${NET}/subnets/`)).kvs;

describe('daemon', () => {
  let rig: DaemonRig;
  const use = async (...config: Parameters<typeof daemonRig>) => {
    rig = await daemonRig(...config);
    return rig;
  };
  afterEach(async () => {
    await askIfRunning(rig.options.runDir, 'stop');
    await until('the run folder is cleared', async () => !(await readdir(join(rig.dir, 'run')).catch(() => [])).length);
    await rig.remove();
    assert.equal(process.listenerCount('SIGTERM') + process.listenerCount('SIGHUP'), 0);
    assert.equal(rig.etcd.openStreams(), 0);
  });

  it('is ready when subnet.env and the routes are there, says so, and stops leaving them', async () => {
    const { options, run, kernel, notices } = await use();
    const { ready, ended } = run();
    await ready;
    const status = await ask(options.runDir, 'status');
    assert.equal(status.ready, true);
    assert.deepEqual(await ask(options.runDir, 'ping'), { pid: process.pid, ready: true });
    assert.deepEqual((await ask(options.runDir, 'plan')).steps, []);
    assert.ok(notices.includes(`READY=1\nSTATUS=leases ${status.subnet}`));
    assert.equal((await stat(join(options.runDir, 'control.sock'))).mode & 0o777, 0o600);
    assert.deepEqual(await ask(options.runDir, 'stop'), { pid: process.pid });
    await ended;
    assert.equal(notices.at(-1), 'STOPPING=1');
    const seen = await kernel.observe({ paths: [options.subnetFile], sysctls: [] });
    assert.ok(seen.has('link/flannel0') && seen.has(`file/${options.subnetFile}`));
    assert.equal((await subnets(rig)).length, 1);
  });

  it('warns of a network that is nearly full, and is well', async () => {
    const { options, run, etcd } = await use({ Network: '10.5.0.0/22', SubnetLen: 24, SubnetMin: '10.5.0.0' });
    for (const third of [0, 1, 2])
      await overwrite(etcd, `subnets/10.5.${third}.0-24`, printLease(announcementOf(third + 2)));
    await run().ready;
    const { checks } = await ask(options.runDir, 'status');
    const found = checks.find(({ name }) => name === 'subnets');
    assert.equal(found?.state, 'ok');
    assert.match(found?.detail ?? '', /^warning: 4 of 4 subnets are leased \(100 %\); tsflannel leases release --dead/);
  });

  it('has the same subnet after it was started again', async () => {
    const { options, run } = await use();
    const first = run();
    await first.ready;
    const { subnet } = await ask(options.runDir, 'status');
    await ask(options.runDir, 'stop');
    await first.ended;
    await run().ready;
    assert.equal((await ask(options.runDir, 'status')).subnet, subnet);
  });

  it('waits for etcd and a config where it shall: seen, answered and stopped meanwhile', async () => {
    const { etcd, options, run } = await use({} as object);
    etcd.setUp(false);
    const { ended } = run({}, { patient: true });
    await until('it answers', async () => (await askIfRunning(options.runDir, 'ping')) !== undefined);
    await until('it says what it waits for', async () =>
      /etcd does not answer/.test((await ask(options.runDir, 'ping')).waitingFor ?? ''),
    );
    await assert.rejects(ask(options.runDir, 'status'), codeOf('DAEMON_STARTING'));
    assert.equal(await askIfUp(options.runDir, 'routes'), undefined);
    await assert.rejects(run().ended, codeOf('ALREADY_RUNNING'));
    assert.equal((await ask(options.runDir, 'ping')).ready, false);
    await ask(options.runDir, 'stop');
    await ended;
  });

  it('goes on when what it waits for is there', async () => {
    const { etcd, options, run } = await use(undefined);
    await etcd.client().txn([], [{ op: 'delete', key: `${NET}/config` }]);
    const { ready } = run({}, { patient: true });
    await until('it waits for a config', async () =>
      /no network config/.test((await askIfRunning(options.runDir, 'ping'))?.waitingFor ?? ''),
    );
    await overwrite(etcd, 'config', '{"Network":"10.5.0.0/16"}');
    await ready;
  });

  it('ends on a signal, while it waits too', async () => {
    const { etcd, options, run } = await use();
    etcd.setUp(false);
    const { ended } = run({}, { patient: true });
    await until('it answers', async () => (await askIfRunning(options.runDir, 'ping')) !== undefined);
    process.emit('SIGTERM');
    await ended;
  });

  it('says what keeps it from starting, and leaves nothing open', async () => {
    const { options, run, etcd } = await use();
    const failsWith = async (code: string, ...args: Parameters<typeof run>) => {
      await assert.rejects(run(...args).ended, codeOf(code), code);
      assert.deepEqual(await readdir(options.runDir), []);
    };
    const makeHost = async () => {
      throw new TsflannelError('IFACE_NOT_FOUND', { detail: 'eth9' });
    };
    await failsWith('IFACE_NOT_FOUND', { makeHost });
    etcd.setUp(false);
    await failsWith('ETCD_UNREACHABLE');
    const clock = createTestClock();
    await failsWith('IFACE_NOT_FOUND', { makeHost, clock }, { patient: true });
    await settle();
    assert.equal(clock.pending(), 0);
    etcd.setUp(true);
    const inside = async (nodeId: string) => hostOf(1, { nodeId, publicIp: ip('10.5.9.9') });
    await failsWith('NETWORK_OVERLAP', { makeHost: inside });
    await overwrite(etcd, 'config', '{"Network":"10.5.0.0/33"}');
    await failsWith('CONFIG_INVALID');
    await overwrite(etcd, 'config', '{"Network":"10.5.0.0/16"}');
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    await failsWith('PORT_TAKEN', {}, { healthz: { ip: '127.0.0.1', port } });
    other.close();
    assert.equal((await subnets(rig)).length, 0);
  });

  it('shows its own lease at once, though etcd has told nothing of it yet', async () => {
    const { etcd, options, run } = await use();
    const store = openStore(etcd.client(), NET);
    await run({ store: { ...store, watch: () => ({ ready: Promise.resolve(), close: () => undefined }) } }).ready;
    const { rows } = await ask(options.runDir, 'routes');
    assert.deepEqual(
      rows.map(({ key, state }) => [key, state]),
      [[(await subnets(rig))[0]?.key, 'this node']],
    );
  });

  it('is ready although a peer cannot be reached, and a value in etcd is garbage', async () => {
    const { etcd, options, run, kernel } = await use({ Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } });
    const peer = { type: 'vxlan', vni: 1, mac: mac('02:00:00:00:00:02') } as const;
    await overwrite(etcd, 'subnets/10.5.77.0-24', printLease(announcementOf(2, peer)));
    await overwrite(etcd, 'subnets/10.5.78.0-24', '{"PublicIP":"; rm -rf /"}');
    kernel.refuse('route/10.5.77.0/24/0', 'no');
    await run().ready;
    const { checks } = await ask(options.runDir, 'status');
    assert.equal(checks.find(({ name }) => name === 'kernel')?.state, 'degraded');
    const refused = checks.find(({ name }) => name === 'leases')?.detail ?? '';
    assert.match(refused, /^warning: 1 refused, such as 10\.5\.78\.0-24: PUBLIC_IP: ; rm -rf/);
    const { rows } = await ask(options.runDir, 'routes');
    const states = Object.fromEntries(rows.map(({ subnet, state }) => [subnet, state]));
    assert.equal(states['10.5.77.0/24'], 'missing');
    assert.equal(states['10.5.78.0-24'], 'rejected');
  });

  it('is not ready while its own device cannot be made', async () => {
    const { options, run, kernel } = await use();
    kernel.refuse('link/flannel0', 'no TUN here');
    const { ready } = run();
    await until('it is up', async () => (await askIfUp(options.runDir, 'status')) !== undefined);
    const status = await ask(options.runDir, 'status');
    assert.equal(status.ready, false);
    kernel.refuse('link/flannel0', undefined);
    await ask(options.runDir, 'ring');
    await ready;
  });

  it('changes sides when it has lost its subnet to another: no own route, a route to the new owner', async () => {
    const { etcd, options, run } = await use({ Network: '10.5.0.0/16', Backend: { Type: 'host-gw' } });
    await run().ready;
    const [own] = await subnets(rig);
    assert.ok(own);
    const lease = await etcd.client().grant(3_600);
    await etcd.client().txn([], [{ op: 'delete', key: own.key }]);
    const value = printLease(announcementOf(2, { type: 'host-gw' }));
    await etcd.client().txn([], [{ op: 'put', key: own.key, value, lease }]);
    const subnetText = own.key.slice(`${NET}/subnets/`.length).replace('-', '/');
    await until('the other is routed', async () => {
      const { rows } = await ask(options.runDir, 'routes');
      return rows.some(({ subnet, state }) => subnet === subnetText && state === 'ok');
    });
    const { subnet } = await ask(options.runDir, 'status');
    assert.notEqual(subnet, subnetText);
    await until('it is written down', async () =>
      (await readFile(join(options.stateDir, 'node.json'), 'utf8')).includes(subnet),
    );
    assert.deepEqual((await ask(options.runDir, 'plan')).steps, []);
  });

  it('goes on when its folder cannot be written any more', async () => {
    const { etcd, options, run, log } = await use();
    await run().ready;
    const [own] = await subnets(rig);
    assert.ok(own);
    // The daemon may be writing there at this moment.
    const putInTheWay = async () => {
      await rm(options.stateDir, { recursive: true, force: true });
      await writeFile(options.stateDir, 'a file in the way');
      return true;
    };
    await until('a file is in the way', () => putInTheWay().catch(() => false));
    await etcd.client().txn([], [{ op: 'delete', key: own.key }]);
    await until('it holds again', async () => (await subnets(rig)).length === 1);
    await until('it says what it could not write', () => log.some((line) => line.startsWith('state-not-written')));
    assert.equal((await ask(options.runDir, 'status')).checks.find(({ name }) => name === 'lease')?.state, 'ok');
    await rm(options.stateDir);
    await writeNodeState(options.stateDir, { nodeId: 'ab'.repeat(16), created: [] });
  });
});
