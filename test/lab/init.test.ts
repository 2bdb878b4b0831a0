import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { birthOf } from '../../src/etcd/proc.ts';
import { type Discovery, type Ran, startDiscovery, type TestHost, useHosts } from '../support/hosts.ts';
import { until } from '../support/until.ts';

type Json = Record<string, unknown>;

const json = (ran: Ran): Json => JSON.parse(ran.stdout) as Json;
const members = (ran: Ran) => (json(ran).members ?? []) as { name: string; status: string; isLeader: boolean }[];
const clusterId = async (host: TestHost) => json(await host.tsflannel('etcd', 'status', '--json')).clusterId;

const pidOf = (host: TestHost, key: 'etcd' | 'supervisor'): number =>
  (JSON.parse(readFileSync(join(host.dir, 'run', 'etcd.json'), 'utf8')) as Record<string, number>)[key] as number;

const alive = (pid: number): boolean => birthOf(pid) !== '';
const healthy = async (host: TestHost) => (await host.tsflannel('etcd', 'status')).exit === 0;

function succeeds(ran: Ran): Ran {
  assert.equal(ran.exit, 0, `${ran.stderr}\n${ran.stdout}`);
  return ran;
}

/** Ends members and checks that nothing of them is left but empty folders. */
async function purge(...hosts: readonly TestHost[]): Promise<void> {
  for (const host of hosts) {
    succeeds(await host.tsflannel('etcd', 'stop', '--purge', '--yes'));
    assert.deepEqual(readdirSync(host.dir, { recursive: true }).sort(), ['etc', 'run']);
  }
}

describe('tsflannel init: one member', function () {
  this.timeout(60_000);
  const { host } = useHosts('boot-one', 1);

  it('makes a cluster of this host alone on the address of the default route', async () => {
    const ran = succeeds(await host(1).tsflannel('init', '--yes', '--name', 'a', '--json'));
    assert.deepEqual(json(ran).changed, true);
    assert.deepEqual(
      members(ran).map(({ name, status, isLeader }) => ({ name, status, isLeader })),
      [{ name: 'a', status: 'healthy', isLeader: true }],
    );
    assert.match(ran.stderr, /plain http/);
    const client = JSON.parse(readFileSync(join(host(1).dir, 'etc', 'client.json'), 'utf8')) as Json;
    assert.deepEqual(client.endpoints, ['http://127.0.0.1:2379', 'http://10.78.0.1:2379']);
    assert.equal(statSync(join(host(1).dir, 'etc', 'client.json')).mode & 0o777, 0o600);
    assert.equal(statSync(join(host(1).dir, 'etcd')).mode & 0o777, 0o700);
  });

  it('changes nothing when run again', async () => {
    const pid = pidOf(host(1), 'etcd');
    const files = () => ['etc/client.json', 'etcd.member.json'].map((name) => statSync(join(host(1).dir, name)).ino);
    const before = files();
    const ran = succeeds(await host(1).tsflannel('init'));
    assert.match(ran.stdout, /nothing to do/);
    assert.equal(json(await host(1).tsflannel('init', '--yes', '--name', 'a', '--json')).changed, false);
    assert.equal(pidOf(host(1), 'etcd'), pid);
    assert.deepEqual(files(), before);
  });

  it('refuses flags that contradict the member that is there', async () => {
    const ran = await host(1).tsflannel('init', '--name', 'b', '--json');
    assert.equal(ran.exit, 6);
    assert.match(ran.stdout, /ETCD_DATA_DIR[\s\S]*named a, not b/);
  });

  it('shows the member table', async () => {
    const ran = succeeds(await host(1).tsflannel('etcd', 'status'));
    assert.match(ran.stdout, /^NAME +ID +CLIENT URL +PEER URL +STATUS +LEADER +VERSION +DB SIZE$/m);
    assert.match(
      ran.stdout,
      /^a +[0-9a-f]+ +http:\/\/10.78.0.1:2379 +http:\/\/10.78.0.1:2380 +healthy +yes +3\.\d+\.\d+ /m,
    );
  });

  it('starts etcd again when it is killed', async () => {
    const before = pidOf(host(1), 'etcd');
    const supervisor = pidOf(host(1), 'supervisor');
    process.kill(before, 'SIGKILL');
    await until('etcd has another pid and answers', async () => {
      return pidOf(host(1), 'etcd') !== before && (await healthy(host(1)));
    });
    assert.equal(pidOf(host(1), 'supervisor'), supervisor);
  });

  it('lets no etcd outlive its supervisor, and starts both again', async () => {
    const id = await clusterId(host(1));
    const etcd = pidOf(host(1), 'etcd');
    process.kill(pidOf(host(1), 'supervisor'), 'SIGKILL');
    await until('etcd has ended', () => !alive(etcd));
    assert.equal((await host(1).tsflannel('etcd', 'status')).exit, 69);
    assert.match(succeeds(await host(1).tsflannel('init')).stdout, /runs again from/);
    assert.equal(await clusterId(host(1)), id);
  });

  it('stops an etcd that lost its supervisor before it starts another', async () => {
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    const orphan = host(1).start('etcd', `--data-dir=${join(host(1).dir, 'etcd')}`, '--name=a');
    await until('the orphan serves', async () => healthy(host(1)));
    const ran = succeeds(await host(1).tsflannel('init'));
    assert.match(ran.stderr, /stopped an etcd that had lost its supervisor/);
    await orphan.ended;
    assert.ok(await healthy(host(1)));
  });

  it('stops, keeps the data, and starts from it', async () => {
    const id = await clusterId(host(1));
    const pids = [pidOf(host(1), 'etcd'), pidOf(host(1), 'supervisor')];
    assert.match(succeeds(await host(1).tsflannel('etcd', 'stop')).stdout, /is stopped/);
    assert.deepEqual(pids.map(alive), [false, false]);
    assert.deepEqual(readdirSync(join(host(1).dir, 'run')), []);
    assert.match(succeeds(await host(1).tsflannel('etcd', 'stop')).stdout, /was not running/);
    succeeds(await host(1).tsflannel('init'));
    assert.equal(await clusterId(host(1)), id);
  });

  it('is gone with all its files after etcd stop --purge, which asks first', async () => {
    const ran = await host(1).tsflannel('etcd', 'stop', '--purge', '--json');
    assert.equal(ran.exit, 2);
    assert.match(ran.stdout, /NEEDS_CONFIRMATION/);
    assert.ok(alive(pidOf(host(1), 'etcd')));
    await purge(host(1));
    assert.equal((await host(1).tsflannel('etcd', 'stop')).exit, 3);
  });
});

describe('tsflannel init: three members', function () {
  this.timeout(60_000);
  const { host, hub } = useHosts('boot-three', 3);
  let discovery: Discovery;
  const three = () => [host(1), host(2), host(3)] as const;
  before(async () => {
    discovery = await startDiscovery(hub());
  });
  // What a failed test left must not fail the next.
  afterEach(() => Promise.all(three().map((one) => one.tsflannel('etcd', 'stop', '--purge', '--yes'))));

  const all = (argv: (host: TestHost, number: number) => readonly string[]) =>
    Promise.all(three().map((one, index) => one.tsflannel('init', '--yes', ...argv(one, index + 1), '--json')));

  function threeHealthy(ran: Ran): void {
    assert.deepEqual(
      members(succeeds(ran)).map(({ name, status }) => `${name} ${status}`),
      ['m1 healthy', 'm2 healthy', 'm3 healthy'],
    );
  }

  async function agree(runs: readonly Ran[]): Promise<void> {
    for (const ran of runs) {
      threeHealthy(ran);
      assert.equal(members(ran).filter(({ isLeader }) => isLeader).length, 1);
    }
    assert.equal(new Set(await Promise.all(three().map(clusterId))).size, 1);
  }

  it('forms a cluster by a discovery URL, and says that the URL is used up', async () => {
    const url = await discovery.newUrl(3);
    const runs = await all((_, number) => ['--discovery', url, '--name', `m${number}`]);
    await agree(runs);
    assert.match(runs.map((ran) => ran.stderr).join('\n'), /waiting for members [123]\/3/);
    assert.equal(json(await host(1).tsflannel('init', '--discovery', url, '--json')).changed, false);
    succeeds(await host(3).tsflannel('etcd', 'stop', '--purge', '--yes'));
    const late = await host(3).tsflannel(
      'init',
      '--yes',
      '--name',
      'm4',
      '--peer-port',
      '2480',
      '--discovery',
      url,
      '--json',
    );
    assert.equal(late.exit, 6);
    assert.match(late.stdout, /DISCOVERY_FULL[\s\S]*m\d, m\d, m\d/);
    assert.deepEqual(readdirSync(host(3).dir, { recursive: true }).sort(), ['etc', 'run']);
    await purge(host(1), host(2));
  });

  it('goes on after a time-out, across a stop, and mixes with an etcd started by hand', async () => {
    const url = await discovery.newUrl(3);
    const join_ = (number: number, ...more: string[]) =>
      host(number).tsflannel('init', '--yes', '--name', `m${number}`, '--discovery', url, ...more, '--json');
    const first = await join_(1, '--wait-timeout', '1');
    assert.equal(first.exit, 75);
    assert.match(first.stdout, /ETCD_NOT_HEALTHY[\s\S]*1\/3/);
    // etcd's own discovery takes the same member for a second one from here on.
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    assert.equal((await join_(1, '--wait-timeout', '1')).exit, 75);
    const taken = await host(2).tsflannel('init', '--yes', '--name', 'm1', '--discovery', url, '--json');
    assert.match(taken.stdout, /DISCOVERY_NAME_TAKEN/);
    const at = (port: number) => `http://${host(3).ip}:${port}`;
    const byHandDir = join(host(3).dir, 'by-hand');
    const byHand = host(3).start(
      ...['etcd', '--name', 'm3', '--data-dir', byHandDir, '--discovery', url],
      ...['--listen-peer-urls', at(2380), '--initial-advertise-peer-urls', at(2380)],
      ...['--listen-client-urls', at(2379), '--advertise-client-urls', at(2379)],
    );
    const runs = await Promise.all([join_(1), join_(2)]);
    for (const ran of runs) threeHealthy(ran);
    await byHand.kill();
    rmSync(byHandDir, { recursive: true });
    await purge(host(1), host(2));
  });

  it('asks a discovery service for a URL and prints it', async () => {
    const asking = host(1).tsflannel(
      'init',
      '--yes',
      '--name',
      'm1',
      '--new-discovery',
      discovery.base,
      '--size',
      '3',
      '--json',
    );
    const marker = join(host(1).dir, 'etcd.member.json');
    await until('the URL is known', () => existsSync(marker));
    const { bootstrap } = JSON.parse(readFileSync(marker, 'utf8')) as { bootstrap: { url: string } };
    const others = await Promise.all(
      [2, 3].map((number) =>
        host(number).tsflannel('init', '--yes', '--name', `m${number}`, '--discovery', bootstrap.url, '--json'),
      ),
    );
    const ran = await asking;
    await agree([ran, ...others]);
    assert.equal(json(ran).discovery, bootstrap.url);
    assert.ok(ran.stderr.includes(`tsflannel init --discovery ${bootstrap.url}`));
    const again = await host(1).tsflannel('init', '--new-discovery', discovery.base, '--size', '3', '--json');
    assert.equal(json(again).changed, false);
    await purge(...three());
  });

  it('forms a static cluster, each host finding itself in the list, and survives the loss of one', async () => {
    const cluster = [1, 2, 3].map((number) => `m${number}=http://10.78.0.${number}:2380`).join(',');
    await agree(await all(() => ['--initial-cluster', cluster]));
    succeeds(await host(2).tsflannel('etcd', 'stop'));
    const status = await host(1).tsflannel('etcd', 'status', '--json');
    assert.equal(status.exit, 8);
    assert.deepEqual(
      members(status).map((row) => row.status),
      ['healthy', 'unreachable', 'healthy'],
    );
    // The cluster is healthy without it: a member that starts again does not wait for the absent one.
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    succeeds(await host(1).tsflannel('init', '--wait-timeout', '30'));
    succeeds(await host(2).tsflannel('init'));
    assert.equal((await host(1).tsflannel('etcd', 'status')).exit, 0);
    await purge(...three());
  });
});
