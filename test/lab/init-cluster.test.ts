import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Discovery, type Ran, startDiscovery, type TestHost, useHosts } from '../support/hosts.ts';
import { clusterId, healthy, initBy, json, members, purge, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

describe('tsflannel init: three members by plain http', function () {
  this.timeout(240_000);
  const { host, hub } = useHosts('boot-three', 3);
  let discovery: Discovery;
  const three = () => [host(1), host(2), host(3)] as const;
  before(async () => {
    discovery = await startDiscovery(hub());
  });
  // What a failed test left must not fail the next.
  afterEach(() => Promise.all(three().map((one) => one.tsflannel('etcd', 'stop', '--purge', '--yes'))));

  const all = (argv: (host: TestHost, number: number) => readonly string[]) =>
    Promise.all(
      three().map((one, index) => one.tsflannel('init', '--yes', '--insecure', ...argv(one, index + 1), '--json')),
    );

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
    const join_ = (number: number) => host(number).tsflannel(...initBy(url, `m${number}`), '--json');
    const two = [join_(1), join_(2)];
    // Only who waits says so: the third comes once the first has seen that somebody is there.
    const state = join(host(1).dir, 'run', 'etcd.json');
    const found = () => (existsSync(state) ? Number(JSON.parse(readFileSync(state, 'utf8')).found ?? 0) : 0);
    await until('the first waits', () => found() > 0);
    const runs = await Promise.all([...two, join_(3)]);
    await agree(runs);
    assert.match(runs.map((ran) => ran.stderr).join('\n'), /waiting for members [123]\/3/);
    assert.equal(json(await host(1).tsflannel('init', '--discovery', url, '--json')).changed, false);
    succeeds(await host(3).tsflannel('etcd', 'stop', '--purge', '--yes'));
    const late = await host(3).tsflannel(...initBy(url, 'm4'), '--peer-port', '2480', '--json');
    assert.equal(late.exit, 6);
    assert.match(late.stdout, /DISCOVERY_FULL[\s\S]*m\d, m\d, m\d/);
    assert.deepEqual(readdirSync(host(3).dir, { recursive: true }).sort(), ['etc', 'run']);
    await purge(host(1), host(2));
  });

  it('goes on after a time-out, across a stop, and mixes with an etcd started by hand', async () => {
    const url = await discovery.newUrl(3);
    const join_ = (number: number, ...more: string[]) =>
      host(number).tsflannel(...initBy(url, `m${number}`), ...more, '--json');
    const first = await join_(1, '--wait-timeout', '10');
    assert.equal(first.exit, 75);
    assert.match(first.stdout, /ETCD_NOT_HEALTHY[\s\S]*1\/3/);
    // etcd's own discovery takes the same member for a second one from here on.
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    assert.equal((await join_(1, '--wait-timeout', '1')).exit, 75);
    const taken = await host(2).tsflannel(...initBy(url, 'm1'), '--json');
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
      '--insecure',
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
      [2, 3].map((number) => host(number).tsflannel(...initBy(bootstrap.url, `m${number}`), '--json')),
    );
    const ran = await asking;
    await agree([ran, ...others]);
    assert.equal(json(ran).discovery, bootstrap.url);
    assert.ok(ran.stderr.includes(`tsflannel init --insecure --discovery ${bootstrap.url}`));
    const again = await host(1).tsflannel('init', '--new-discovery', discovery.base, '--size', '3', '--json');
    assert.equal(json(again).changed, false);
    await purge(...three());
  });

  it('forms a static cluster, each host finding itself in the list, and survives the loss of one', async () => {
    const cluster = [1, 2, 3].map((number) => `m${number}=http://10.78.0.${number}:2380`).join(',');
    const early = await host(1).tsflannel(
      'init',
      '--yes',
      '--insecure',
      '--initial-cluster',
      cluster,
      '--wait-timeout',
      '10',
      '--json',
    );
    assert.equal(early.exit, 75);
    assert.match(early.stderr, /waiting for members 1\/3 \(missing: m2, m3\)/);
    // etcd serves no client before its first leader.
    assert.equal((await host(1).tsflannel('etcd', 'status')).exit, 69);
    await agree(await all(() => ['--initial-cluster', cluster]));
    succeeds(await host(2).tsflannel('etcd', 'stop'));
    await until('the two that stay have a leader', async () => {
      const status = await host(1).tsflannel('etcd', 'status', '--json');
      return (
        status.exit === 8 &&
        members(status)
          .map((row) => row.status)
          .join() === 'healthy,unreachable,healthy'
      );
    });
    // The cluster is healthy without it: a member that starts again does not wait for the absent one.
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    succeeds(await host(1).tsflannel('init', '--wait-timeout', '60'));
    succeeds(await host(2).tsflannel('init'));
    await until('all are healthy', () => healthy(host(1)));
    await purge(...three());
  });
});
