import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findSupervisor } from '../../src/etcd/process.ts';
import { fetchOn, type TestHost, useHosts } from '../support/hosts.ts';
import { clusterId, healthy, initBy, json, members, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

/** What the host keeps, without files half written, which have a name for a moment only. */
const kept = (host: TestHost): ReadonlySet<string> =>
  new Set(
    existsSync(host.dir)
      ? (readdirSync(host.dir, { recursive: true }) as string[]).filter(
          (name) => !/\/?\.tsflannel-[0-9a-f-]+$|\.tmp$/.test(name),
        )
      : [],
  );

/** Of some ten steps; two that follow each other within a look are seen as one. */
const SOME = 3;

/** More calls than there are steps. */
const ENOUGH = 60;

/**
 * Calls tsflannel again and again, and kills it each time at the first file it has made that was not there before; each second time its
 * supervisor too, with etcd. Resolves to the files it was killed at once a call comes to its end.
 */
async function killedAtEachStep(host: TestHost, ...argv: string[]): Promise<readonly string[]> {
  const steps: string[] = [];
  for (let call = 0; call < ENOUGH; call++) {
    const before = kept(host);
    const running = host.start(join(import.meta.dirname, '../../bin/tsflannel'), ...argv);
    let over = false;
    void running.ended.then(() => {
      over = true;
    });
    let step: string | undefined;
    while (!over && step === undefined) {
      step = [...kept(host)].find((name) => !before.has(name));
      if (step === undefined) await sleep(5);
    }
    await running.kill();
    if (step === undefined) return steps;
    steps.push(step);
    const supervisor = call % 2 === 0 ? await findSupervisor(join(host.dir, 'run')) : undefined;
    if (supervisor !== undefined) process.kill(supervisor, 'SIGKILL');
  }
  throw new Error(`it never comes to its end; it was killed at ${steps.join(', ')}`);
}

describe('tsflannel init and join, killed at every step and called again', function () {
  this.timeout(400_000);
  const { host, hub } = useHosts('boot-kill', 3);
  const three = () => [host(1), host(2), host(3)] as const;
  afterEach(() => Promise.all(three().map((one) => one.tsflannel('etcd', 'stop', '--purge', '--yes'))));

  async function oneCluster(hosts: readonly TestHost[]): Promise<void> {
    for (const one of hosts) await until('it is healthy', () => healthy(one));
    const all = await Promise.all(hosts.map((one) => one.tsflannel('etcd', 'status', '--json')));
    for (const ran of all) assert.equal(members(ran).length, hosts.length, ran.stdout);
    assert.equal(new Set(await Promise.all(hosts.map(clusterId))).size, 1);
  }

  it('init of a secured cluster, then join', async () => {
    const init = ['init', '--yes', '--name', 'n1', '--network', '10.5.0.0/16'];
    const steps = await killedAtEachStep(host(1), ...init);
    assert.ok(steps.length >= SOME, steps.join());
    assert.match(succeeds(await host(1).tsflannel(...init)).stdout, /nothing to do/);
    assert.match(succeeds(await host(1).tsflannel('config', 'get')).stdout, /10\.5\.0\.0\/16/);
    await oneCluster([host(1)]);

    const { token } = json(succeeds(await host(1).tsflannel('token', 'create', '--json')));
    const joined = await killedAtEachStep(host(2), 'join', String(token), '--name', 'n2');
    assert.ok(joined.length >= SOME, joined.join());
    await until('it votes', async () => members(await host(1).tsflannel('etcd', 'status', '--json')).length === 2);
    await oneCluster([host(1), host(2)]);
  });

  it('init --discovery of three, one of them killed', async () => {
    const serve = ['discovery', 'serve', '--listen', hub().ip, '--data-dir', join(hub().dir, 'discovery')];
    hub().start(join(import.meta.dirname, '../../bin/tsflannel'), ...serve);
    const url = (await fetchOn(hub(), `http://${hub().ip}:8087/new?size=3`)).trim();
    const argv = (number: number) => [...initBy(url, `m${number}`), '--wait-timeout', '350'];
    const [steps, ...others] = await Promise.all([
      killedAtEachStep(host(1), ...argv(1)),
      host(2).tsflannel(...argv(2)),
      host(3).tsflannel(...argv(3)),
    ]);
    for (const ran of others) succeeds(ran);
    assert.ok(steps.length >= SOME, steps.join());
    await oneCluster(three());
  });
});
