import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { useHosts } from '../support/hosts.ts';
import { healthy, json, members, purge, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

/** What the design promises for three empty nodes. */
const PROMISE_S = 30;
/** Longer than the program takes for its version on a machine with nothing else to do; one that is busy has so much more time. */
const VERSION_S = 0.5;

describe('three empty nodes become a cluster by three commands', function () {
  this.timeout(900_000);
  const { host } = useHosts('boot-fast', 3);

  it(`secured by TLS, with the network config, in under ${PROMISE_S} s`, async () => {
    const hosts = [host(1), host(2), host(3)] as const;
    for (const one of hosts) assert.ok(!existsSync(one.dir), 'the node is not empty');
    const began = performance.now();
    const versionS = async (): Promise<number> => {
      const started = performance.now();
      succeeds(await host(1).tsflannel('version'));
      return (performance.now() - started) / 1000;
    };
    const before = await versionS();
    const init = await host(1).tsflannel(
      // Hosts of a test share the machine's name.
      ...['init', '--yes', '--size', '3', '--network', '10.5.0.0/16', '--name', 'n1', '--json'],
    );
    const [second = '', third = ''] = json(succeeds(init)).join as string[];
    succeeds(await host(2).tsflannel('join', second, '--name', 'n2'));
    succeeds(await host(3).tsflannel('join', third, '--name', 'n3'));
    const after = await versionS();
    const seconds = (performance.now() - began) / 1000;
    const allowed = PROMISE_S * Math.max(1, before / VERSION_S, after / VERSION_S);
    console.log(`      three nodes in ${seconds.toFixed(1)} s, of ${allowed.toFixed(1)} s`);

    for (const one of hosts) {
      await until('all are healthy', () => healthy(one));
      const status = succeeds(await one.tsflannel('etcd', 'status', '--json'));
      const rows = members(status) as unknown as { status: string; clientUrls: string[] }[];
      assert.equal(rows.length, 3);
      for (const row of rows) {
        assert.equal(row.status, 'healthy');
        assert.match(row.clientUrls.join(), /^https:/);
      }
      assert.match(succeeds(await one.tsflannel('config', 'get')).stdout, /10\.5\.0\.0\/16/);
    }
    await purge(...hosts);
    assert.ok(seconds < allowed, `it took ${seconds.toFixed(1)} s`);
  });
});
