import assert from 'node:assert/strict';
import { etcdOf } from '../support/etcd-versions.ts';
import { useHosts } from '../support/hosts.ts';
import { clusterId, json, purge, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

interface Row {
  readonly status: string;
  readonly version: string;
}

describe('etcd upgraded member by member', function () {
  this.timeout(240_000);
  const { host } = useHosts('care-up', 3);
  const numbers = [1, 2, 3];
  let id: unknown;
  const versions = async () => {
    let rows: Row[] = [];
    await until('all are healthy', async () => {
      rows = (json(await host(1).tsflannel('etcd', 'status', '--json')).members ?? []) as Row[];
      return rows.length > 0 && rows.every(({ status }) => status === 'healthy');
    });
    return rows.map(({ version }) => version.slice(0, 3));
  };
  const network = async () => succeeds(await host(2).tsflannel('config', 'get')).stdout;

  it('begins as three on 3.4', async () => {
    const first = await host(1).tsflannel(
      'init',
      '--size',
      '3',
      '--network',
      '10.5.0.0/16',
      '--yes',
      '--name',
      'n1',
      '--json',
    );
    const tokens = json(succeeds(first)).join as string[];
    for (const number of [2, 3])
      succeeds(await host(number).tsflannel('join', tokens[number - 2] ?? '', '--name', `n${number}`));
    assert.deepEqual(await versions(), ['3.4', '3.4', '3.4']);
    id = await clusterId(host(1));
  });

  for (const series of ['3.5', '3.6'] as const)
    it(`goes on as three on ${series}, one after the other, with its data`, async () => {
      for (const number of numbers) {
        succeeds(await host(number).tsflannel('etcd', 'stop'));
        // The two that stay are a majority, and take writes once they have a leader.
        const put = ['etcd', 'put', '/coreos.com/network/x', series, '--yes'];
        await until('writes are taken', async () => (await host((number % 3) + 1).tsflannel(...put)).exit === 0);
        succeeds(await host(number).tsflannel('init', '--etcd-binary', etcdOf(series)));
      }
      assert.deepEqual(await versions(), [series, series, series]);
      assert.equal(await clusterId(host(1)), id);
      assert.match(await network(), /10\.5\.0\.0/);
    });

  it('is gone with all its files', () => purge(host(3), host(2), host(1)));
});
