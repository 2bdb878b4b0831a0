import assert from 'node:assert/strict';
import { openKv } from '../../src/host/kv.ts';
import { openTypist, type Typist } from '../support/cli.ts';
import { freePort, startEtcd, type TestEtcd } from '../support/etcd.ts';
import { until } from '../support/until.ts';

interface Row {
  readonly name: string;
  readonly status: string;
  readonly isLeader: boolean;
  readonly behind: string | null;
}

/** Members by name, started as one cluster. */
interface TestCluster {
  readonly running: Map<string, TestEtcd>;
  readonly typist: Typist;
  endpoints(): readonly string[];
  /** Starts one that was added by command. */
  join(name: string, peerPort: number, list: string): Promise<void>;
  rows(): Promise<readonly Row[]>;
  healthy(count: number): Promise<void>;
  close(): Promise<void>;
}

/** `args` are more arguments of each etcd. */
async function startCluster(count: number, args: readonly string[] = []): Promise<TestCluster> {
  const names = Array.from({ length: count }, (_, index) => `m${index + 1}`);
  const ports = await Promise.all(names.map(() => freePort()));
  const list = names.map((name, index) => `${name}=http://127.0.0.1:${ports[index]}`).join(',');
  const running = new Map<string, TestEtcd>();
  const start = async (name: string, peerPort: number, cluster: string, state: string) => {
    const member = { name, peerPort, cluster };
    running.set(name, await startEtcd({ member, args: ['--initial-cluster-state', state, ...args] }));
  };
  await Promise.all(names.map((name, index) => start(name, ports[index] as number, list, 'new')));
  const endpoints = () => [...running.values()].map(({ endpoint }) => endpoint);
  const typist = openTypist(endpoints().join(','), 'care-load-');
  const status = () => typist.type('etcd', 'status', '--json');
  // While there is no leader it may say an error instead.
  const rows = async () => ((await status()).json().members ?? []) as Row[];
  return {
    running,
    typist,
    endpoints,
    rows,
    join: (name, peerPort, cluster) => start(name, peerPort, cluster, 'existing'),
    healthy: (wanted) =>
      until(
        `${wanted} members are healthy`,
        async () => (await status()).exit === 0 && (await rows()).length === wanted,
      ),
    async close() {
      for (const etcd of running.values()) await etcd.close();
      typist.close();
    },
  };
}

/** Five of them are slow to hear of each other on a busy machine, and the leader is to stay. */
const STEADY = ['--heartbeat-interval', '500', '--election-timeout', '5000'];

/** Writes one key after the other until it is stopped; resolves to those that etcd acknowledged. */
function writeFlow(endpoints: readonly string[]): { readonly acknowledged: string[]; stop(): Promise<void> } {
  const acknowledged: string[] = [];
  let on = true;
  const run = async () => {
    const kv = await openKv({ endpoints, timeoutMs: 2000 });
    for (let number = 0; on; number++) {
      const key = `/load/${String(number).padStart(8, '0')}`;
      const done = await kv.txn([], [{ op: 'put', key, value: key }]).catch(() => undefined);
      if (done?.succeeded) acknowledged.push(key);
    }
    kv.close();
  };
  const running = run();
  return {
    acknowledged,
    async stop() {
      on = false;
      await running;
    },
  };
}

describe('tsflannel etcd member replace: under load', function () {
  this.timeout(240_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster(3);
  });
  after(() => cluster.close());

  it('loses no write that was acknowledged, when the leader dies with its data and is replaced', async () => {
    await cluster.healthy(3);
    const lost = (await cluster.rows()).find(({ isLeader }) => isLeader)?.name ?? '';
    const flow = writeFlow(cluster.endpoints());
    await until('writes flow', () => flow.acknowledged.length > 200);
    await cluster.running.get(lost)?.stop('SIGKILL');
    await cluster.running.get(lost)?.close();
    cluster.running.delete(lost);
    await until('it is seen to be gone', async () =>
      (await cluster.rows()).some(({ name, status }) => name === lost && status === 'unreachable'),
    );
    const before = flow.acknowledged.length;
    await until('writes flow again', () => flow.acknowledged.length > before + 100);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const ran = await cluster.typist.type('etcd', 'member', 'replace', lost, '--peer-url', url, '--yes', '--json');
    assert.equal(ran.exit, 0, ran.stdout);
    await cluster.join(lost, port, String(ran.json().initialCluster));
    await until('it has caught up and votes', async () => {
      const { exit } = await cluster.typist.type('etcd', 'member', 'promote', lost, '--json');
      return exit === 0;
    });
    const then = flow.acknowledged.length;
    await until('writes flow with three members', () => flow.acknowledged.length > then + 100);
    await flow.stop();
    await cluster.healthy(3);
    await until('nobody lags behind', async () => {
      const rows = await cluster.rows();
      return rows.length === 3 && rows.every(({ behind }) => behind === '0');
    });
    for (const [name, { endpoint }] of cluster.running) {
      const kv = await openKv({ endpoints: [endpoint], timeoutMs: 5000 });
      const { kvs } = await kv.range('/load/', { serializable: true, keysOnly: true });
      kv.close();
      const there = new Set(kvs.map(({ key }) => key));
      assert.deepEqual(
        flow.acknowledged.filter((key) => !there.has(key)),
        [],
        `${name} has lost acknowledged writes`,
      );
    }
  });
});

describe('tsflannel etcd defrag: five members', function () {
  this.timeout(240_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster(5, STEADY);
  });
  after(() => cluster.close());

  it('takes one after the other, the leader last, and refuses while one is down', async () => {
    await cluster.healthy(5);
    const [first = ''] = cluster.endpoints();
    const kv = await openKv({ endpoints: [first], timeoutMs: 5000 });
    for (let number = 0; number < 20; number++)
      await kv.txn([], [{ op: 'put', key: '/x', value: 'x'.repeat(200_000) }]);
    kv.close();
    const care = (...argv: string[]) => cluster.typist.type('etcd', ...argv, '--json');
    assert.equal((await care('compact')).exit, 0);
    const leader = (await cluster.rows()).find(({ isLeader }) => isLeader)?.name;
    const plan = (await care('defrag', '--dry-run')).json().members as { name: string }[];
    const ran = await care('defrag');
    assert.equal(ran.exit, 0, ran.stdout);
    const done = ran.json().members as { name: string; before: string; after: string }[];
    const order = done.map(({ name }) => name);
    assert.deepEqual([order.length, order.at(-1)], [5, leader]);
    assert.deepEqual(
      plan.map(({ name }) => name),
      order,
    );
    assert.deepEqual(
      ran.stderr.split('\n'),
      order.map((name) => `defragmenting ${name}`),
    );
    for (const { name, before, after } of done) assert.ok(Number(after) < Number(before), `${name} ${before} ${after}`);
    await cluster.healthy(5);
    const down = order[0] ?? '';
    await cluster.running.get(down)?.stop('SIGKILL');
    await until('it is down', async () => (await cluster.rows()).some(({ status }) => status === 'unreachable'));
    const refused = await care('defrag');
    assert.equal(refused.code(), 'ETCD_UNSAFE');
    assert.match(refused.stdout, new RegExp(`${down} is unreachable`));
  });
});
