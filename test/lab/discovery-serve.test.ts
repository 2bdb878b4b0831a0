import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { etcdOf } from '../support/etcd-versions.ts';
import { holdsItsSchemas } from '../support/held.ts';
import { type Background, fetchOn, type TestHost, useHosts } from '../support/hosts.ts';
import { alive, initBy, json, members, purge, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

describe('tsflannel discovery serve: real members bootstrap through it', function () {
  this.timeout(240_000);
  // Before the hosts' own check that nothing is left.
  after(() => stop());
  const { host, hub } = useHosts('care-disc', 3);
  const base = 'http://10.78.0.254:8087';
  let pid = 0;
  const data = () => join(hub().dir, 'discovery');
  const serve = () =>
    hub().tsflannel('discovery', 'serve', '--listen', '10.78.0.254', '--data-dir', data(), '--detach', '--json');

  const stop = async () => {
    process.kill(pid, 'SIGTERM');
    await until('the service has ended', () => !alive(pid));
    assert.ok(!readdirSync(data()).includes('server.pid'));
  };

  const byHand = (one: TestHost, name: string, url: string, series: '3.4' | '3.5' = '3.4'): Background =>
    one.start(
      ...[
        etcdOf(series),
        '--name',
        name,
        '--data-dir',
        join(one.dir, 'by-hand'),
        '--discovery',
        url,
        '--unsafe-no-fsync',
      ],
      ...['--listen-peer-urls', `http://${one.ip}:2380`, '--initial-advertise-peer-urls', `http://${one.ip}:2380`],
      ...['--listen-client-urls', `http://${one.ip}:2379`, '--advertise-client-urls', `http://${one.ip}:2379`],
    );
  const threeAt = (one: TestHost) =>
    until('three members are healthy', async () => {
      const ran = await one.tsflannel('etcd', 'status', '--json', '--etcd-endpoints', `http://${one.ip}:2379`);
      return ran.exit === 0 && members(ran).length === 3;
    });

  before(async () => {
    pid = json(succeeds(await serve())).pid as number;
  });

  for (const series of ['3.4', '3.5'] as const)
    it(`brings together three members of plain etcd ${series} --discovery, across a restart of the service`, async () => {
      const url = await fetchOn(hub(), `${base}/new?size=3`);
      const first = byHand(host(1), 'm1', url.trim(), series);
      await until('the first has come', async () => (await fetchOn(hub(), url)).includes('m1='));
      await stop();
      pid = json(succeeds(await serve())).pid as number;
      const others = [2, 3].map((number) => byHand(host(number), `m${number}`, url.trim(), series));
      await threeAt(host(1));
      for (const one of [first, ...others]) await one.kill();
      for (const number of [1, 2, 3]) rmSync(join(host(number).dir, 'by-hand'), { recursive: true });
    });

  it('serves init --new-discovery, and one real etcd among them', async () => {
    const asking = host(1).tsflannel('init', '--yes', '--insecure', '--name', 'm1', '--new-discovery', base, '--json');
    let url = '';
    await until('the URL is known', async () => {
      const file = readdirSync(data()).find((name) => name.endsWith('.json') && !seen.has(name));
      url = file === undefined ? '' : `${base}/${file.replace('.json', '')}`;
      return url !== '';
    });
    const third = byHand(host(3), 'm3', url);
    const second = host(2).tsflannel(...initBy(url, 'm2'), '--json');
    const [a, b] = await Promise.all([asking, second]);
    for (const ran of [a, b]) assert.equal(members(succeeds(ran)).length, 3);
    const late = await host(3).tsflannel(
      ...initBy(url, 'm4'),
      '--peer-port',
      '2480',
      '--client-port',
      '2479',
      '--json',
    );
    assert.match(late.stdout, /DISCOVERY_FULL/);
    await third.kill();
    rmSync(join(host(3).dir, 'by-hand'), { recursive: true });
    await purge(host(1), host(2));
  });
  const seen = new Set<string>();
  beforeEach(() => {
    for (const name of readdirSync(data())) seen.add(name);
  });

  it('refuses a folder or a port that is taken', async () => {
    const args = ['discovery', 'serve', '--listen', '10.78.0.254', '--json', '--data-dir'];
    const folder = await hub().tsflannel(...args, data());
    assert.deepEqual([folder.exit, (json(folder).error as { code: string }).code], [6, 'FOLDER_IN_USE']);
    const port = await hub().tsflannel(...args, join(hub().dir, 'other'));
    assert.deepEqual([port.exit, (json(port).error as { code: string }).code], [6, 'LISTEN_FAILED']);
  });

  holdsItsSchemas('discovery-serve');
});
