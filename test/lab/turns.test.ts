/** A real daemon among thousands of leases, some of them hostile: nothing waits long for its turn (reliability, row 19). */
import assert from 'node:assert/strict';
import { hostileLeases } from '../corpus/hostile.ts';
import { type Child, startProgram } from '../support/children.ts';
import { runOn, useLab } from '../support/lab.ts';
import { daemonPid, upAgain } from '../support/lab-daemon.ts';
import { until } from '../support/until.ts';

const PORT = '9101';
const COUNT = 3_000;
const SUBNETS = '/coreos.com/network/subnets';
const WAIT_MS = 150_000;

/**
 * CPU time, so that the load of the machine does not matter; its speed does. Some 25 ms were seen of 5,000 leases on a slow one; before
 * the work was done in slices, 60 to 230 ms; on a host under a load of 28 up to 107 ms. `doctor` warns of half a second.
 */
const LONGEST_SECONDS = 0.5;

/** Prints the metrics of this machine. */
const GET = `console.log(await (await fetch('http://127.0.0.1:${PORT}/metrics')).text())`;

describe('the daemon among 3,000 leases', () => {
  const test = useLab({ name: 'lab-turns', size: 1, network: '10.0.0.0/8' });
  let probe: Child;

  const etcdctl = (...argv: string[]) => test.run(1, 'env', 'ETCDCTL_API=3', 'etcdctl', ...argv);
  const put = () => probe.ask(JSON.stringify({ ask: 'fill', backend: 'vxlan', count: COUNT }));
  const routes = async (): Promise<number> =>
    (await test.run(1, 'ip', 'route', 'show', 'proto', '241')).stdout.split('\n').length;
  const reached = () => until('all routes', async () => (await routes()) >= COUNT, WAIT_MS);

  async function metric(name: string): Promise<number> {
    const { stdout } = await test.run(1, process.execPath, '--input-type=module', '-e', GET);
    const line = stdout.split('\n').find((one) => one.startsWith(name));
    assert.ok(line, `no ${name}`);
    return Number(line.slice(line.lastIndexOf(' ')));
  }

  async function judge(what: string): Promise<void> {
    const [cpu, delay] = [await metric('tsflannel_event_loop_cpu_seconds'), await metric('tsflannel_event_loop_delay')];
    console.log(`      ${what}: ${Math.round(cpu * 1000)} ms of CPU time, ${Math.round(delay * 1000)} ms`);
    assert.ok(cpu > 0 && cpu < LONGEST_SECONDS, `${what}: ${cpu} s without a turn`);
  }

  before(async () => {
    probe = await startProgram(test.node(1).namespace, 'bench/probe/node.ts', 'http://127.0.0.1:2379');
    await test.run(1, 'tsflannel', 'down');
    await upAgain(test, 1, '--metrics-addr', PORT);
  });
  after(() => probe?.kill('SIGKILL'));

  it('has turns while they come, are asked for, and go', async () => {
    const ground = { net: '10.3', taken: 1, peerMac: '02:be:ac:00:00:01', underlay: '198.18.0.1' };
    const some = hostileLeases(ground).filter(([name, text]) => name !== '' && !`${name}${text}`.includes('\0'));
    for (const [name, text] of some.filter(([, value]) => value.length < 100_000).slice(0, 20))
      await etcdctl('put', '--', `${SUBNETS}/${name}`, text);
    await put();
    await reached();
    await judge('written');
    assert.ok((await metric('tsflannel_leases_refused')) > 0);
    for (const command of ['routes', 'plan', 'status', 'doctor'])
      await runOn(test.lab, test.node(1), ['tsflannel', command, '--json']);
    await judge('asked');
    await etcdctl('del', '--prefix', `${SUBNETS}/10.1`);
    await until('their routes are gone', async () => (await routes()) < 50, WAIT_MS);
    await judge('deleted');
  }).timeout(4 * WAIT_MS);

  it('has turns when it starts among them, and after etcd lost the history it had to follow', async () => {
    await put();
    await test.run(1, 'tsflannel', 'down');
    await upAgain(test, 1, '--metrics-addr', PORT);
    await reached();
    const pid = daemonPid(test.node(1));
    process.kill(pid, 'SIGSTOP');
    try {
      await put();
      const { stdout } = await etcdctl('get', 'x', '-w', 'json');
      await etcdctl('compact', String((JSON.parse(stdout) as { header: { revision: number } }).header.revision));
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await reached();
    await judge('started, and listed again');
  }).timeout(4 * WAIT_MS);
});
