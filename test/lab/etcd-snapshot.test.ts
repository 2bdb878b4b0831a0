import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { holdsItsSchemas } from '../support/held.ts';
import { useHosts } from '../support/hosts.ts';
import { clusterId, json, members, purge, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

describe('tsflannel etcd snapshot: save, lose everything, restore', function () {
  this.timeout(240_000);
  const { host } = useHosts('care-snap', 1);
  const saved = () => join(host(1).dir, '..', 'saved.db');
  const code = (stdout: string) => (JSON.parse(stdout).error as { code: string }).code;
  const snapshot = (...argv: string[]) => host(1).tsflannel('etcd', 'snapshot', ...argv, '--json');
  const network = async () => json(succeeds(await host(1).tsflannel('config', 'get', '--json'))).network;
  const setNetwork = async (cidr: string) =>
    succeeds(await host(1).tsflannel('config', 'set', '--network', cidr, '--force'));

  it('saves what etcdctl takes for a snapshot', async () => {
    succeeds(await host(1).tsflannel('init', '--yes', '--name', 'a'));
    await setNetwork('10.5.0.0/16');
    const ran = json(succeeds(await snapshot('save', saved())));
    const { stdout } = await execa('etcdctl', ['snapshot', 'status', saved(), '-w', 'json'], {
      env: { ETCDCTL_API: '3' },
    });
    assert.equal(String(JSON.parse(stdout).revision), ran.revision);
    assert.equal(statSync(saved()).mode & 0o777, 0o600);
    assert.equal(statSync(saved()).size, ran.bytes);
    assert.equal(code((await snapshot('save', saved())).stdout), 'FILE_EXISTS');
    succeeds(await snapshot('save', saved(), '--force'));
    assert.deepEqual(
      readdirSync(join(host(1).dir, '..')).filter((name) => name.includes('.part-')),
      [],
    );
  });

  it('goes back to it: a new cluster with the old keys, what was there put aside', async () => {
    const id = await clusterId(host(1));
    await setNetwork('10.6.0.0/16');
    assert.equal(code((await snapshot('restore', saved(), '--yes')).stdout), 'ETCD_RUNNING');
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    assert.equal(code((await snapshot('restore', saved())).stdout), 'NEEDS_CONFIRMATION');
    const { kept } = json(succeeds(await snapshot('restore', saved(), '--yes'))) as { kept: string };
    assert.ok(existsSync(join(kept, 'member')));
    rmSync(kept, { recursive: true });
    succeeds(await host(1).tsflannel('init'));
    assert.equal(await network(), '10.5.0.0/16');
    assert.notEqual(await clusterId(host(1)), id);
  });

  it('brings lost data back', async () => {
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    rmSync(join(host(1).dir, 'etcd'), { recursive: true });
    assert.equal(code((await host(1).tsflannel('init', '--json')).stdout), 'ETCD_DATA_LOST');
    const { kept } = json(succeeds(await snapshot('restore', saved(), '--yes')));
    assert.equal(kept, null);
    succeeds(await host(1).tsflannel('init'));
    assert.equal(await network(), '10.5.0.0/16');
  });

  it('restores by the tool of the same version only', async () => {
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    const bin = join(host(1).dir, '..', 'bin');
    mkdirSync(bin);
    for (const name of ['etcdctl', 'etcdutl'])
      writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} version: 3.99.1"\n`, { mode: 0o755 });
    const env = { PATH: `${bin}:${host(1).env.PATH}` };
    const ran = await host(1).tsflannelWith(env, 'etcd', 'snapshot', 'restore', saved(), '--yes', '--json');
    assert.equal(code(ran.stdout), 'TOOL_MISSING');
    assert.match(ran.stdout, /etcd here is 3\.\d+[\s\S]*etcdctl is 3\.99/);
    rmSync(bin, { recursive: true });
    succeeds(await host(1).tsflannel('init'));
  });

  it('takes no damaged file, and changes nothing for it', async () => {
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    const bytes = readFileSync(saved());
    bytes[5000] = (bytes[5000] ?? 0) ^ 1;
    writeFileSync(saved(), bytes);
    const before = readdirSync(host(1).dir, { recursive: true });
    assert.equal(code((await snapshot('restore', saved(), '--yes')).stdout), 'SNAPSHOT_INVALID');
    assert.equal(code((await snapshot('restore', join(host(1).dir, 'none'), '--yes')).stdout), 'FILE_UNREADABLE');
    assert.deepEqual(readdirSync(host(1).dir, { recursive: true }), before);
    rmSync(saved());
    await purge(host(1));
    assert.equal(code((await snapshot('save', saved())).stdout), 'ETCD_UNREACHABLE');
    assert.ok(!existsSync(saved()));
  });
});

describe('tsflannel etcd snapshot: a cluster of three, restored on each host', function () {
  this.timeout(240_000);
  const { host } = useHosts('care-snap3', 3);
  const all = [1, 2, 3];
  const onAll = (...argv: string[]) => Promise.all(all.map((number) => host(number).tsflannel(...argv)));
  const list = all.map((number) => `m${number}=http://10.78.0.${number}:2380`).join(',');

  it('is one new cluster with the old keys', async () => {
    for (const ran of await onAll('init', '--yes', '--insecure', '--initial-cluster', list)) succeeds(ran);
    succeeds(await host(1).tsflannel('config', 'set', '--network', '10.5.0.0/16'));
    const file = join(host(1).dir, '..', 'saved.db');
    await until('each member has all that was written', async () => {
      const { members: rows = [] } = json(await host(2).tsflannel('etcd', 'status', '--json'));
      const behind = (rows as { behind: string }[]).map((row) => row.behind);
      return behind.join() === '0,0,0';
    });
    succeeds(await host(2).tsflannel('etcd', 'snapshot', 'save', file));
    const id = await clusterId(host(1));
    for (const ran of await onAll('etcd', 'stop')) succeeds(ran);
    for (const number of all) rmSync(join(host(number).dir, 'etcd'), { recursive: true });
    for (const ran of await onAll('etcd', 'snapshot', 'restore', file, '--yes')) succeeds(ran);
    for (const ran of await onAll('init')) succeeds(ran);
    const ids = await Promise.all(all.map((number) => clusterId(host(number))));
    assert.equal(new Set(ids).size, 1);
    assert.notEqual(ids[0], id);
    assert.equal(json(await host(3).tsflannel('config', 'get', '--json')).network, '10.5.0.0/16');
    assert.equal(members(await host(1).tsflannel('etcd', 'status', '--json')).length, 3);
    rmSync(file);
    await purge(host(1), host(2), host(3));
  });

  holdsItsSchemas('etcd-snapshot');
});
