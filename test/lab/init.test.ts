import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { argvOf } from '../../src/etcd/proc.ts';
import { holdsItsSchemas } from '../support/held.ts';
import { useHosts } from '../support/hosts.ts';
import { alive, clusterId, healthy, json, members, pidOf, purge, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

describe('tsflannel init: one member', function () {
  this.timeout(240_000);
  const { host } = useHosts('boot-one', 1);

  it('makes a cluster of this host alone on the address of the default route', async () => {
    const ran = succeeds(await host(1).tsflannel('init', '--yes', '--name', 'a', '--json'));
    assert.deepEqual(json(ran).changed, true);
    assert.deepEqual(
      members(ran).map(({ name, status, isLeader }) => ({ name, status, isLeader })),
      [{ name: 'a', status: 'healthy', isLeader: true }],
    );
    assert.doesNotMatch(ran.stderr, /plain http/);
    const client = JSON.parse(readFileSync(join(host(1).dir, 'etc', 'client.json'), 'utf8'));
    assert.deepEqual(client.endpoints, ['https://127.0.0.1:2379', 'https://10.78.0.1:2379']);
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
    assert.match(
      ran.stdout,
      /^NAME +ID +CLIENT URL +PEER URL +STATUS +LEADER +VERSION +DB SIZE +IN USE +REVISION +BEHIND +CERTIFICATE +SIGNS$/m,
    );
    assert.match(
      ran.stdout,
      /^a +[0-9a-f]+ +https:\/\/10.78.0.1:2379 +https:\/\/10.78.0.1:2380 +healthy +yes +3\.\d+\.\d+ /m,
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
    const [program, ...argv] = argvOf(pidOf(host(1), 'etcd'));
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    const orphan = host(1).start(program ?? '', ...argv);
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

  holdsItsSchemas('init');
});
