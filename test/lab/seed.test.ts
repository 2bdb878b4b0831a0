import assert from 'node:assert/strict';
import { join } from 'node:path';
import { bootstrap, configure } from '../../src/lab/index.ts';
import { startCapture } from '../support/capture.ts';
import { runContainer, runOn, type TestLab, useLab } from '../support/lab.ts';
import { commandsOnly, difference, leftNothing, type Snapshot, snapshot } from '../support/leaks.ts';
import { until } from '../support/until.ts';

const NUMBERS = [1, 2, 3];
const NETWORK = '172.17.0.0/16';

/** What the packets between two nodes look like: of the tunnel, or none of a tunnel at all. */
const TUNNEL = { udp: 'udp port 8285', vxlan: 'udp port 8472', 'host-gw': undefined } as const;

/** Everything of one node that tsflannel and Docker's options touch; Docker's own data and etcd's are theirs. */
const showsOf = async (test: TestLab, number: number): Promise<Snapshot> => {
  const { namespace, dir } = test.node(number);
  const dirs = ['etc', 'state', 'run', 'docker/daemon.json'].map((name) => join(dir, name));
  return commandsOnly(await snapshot({ namespace, dirs }));
};

const everyNode = <T>(work: (number: number) => Promise<T>): Promise<T[]> => Promise.all(NUMBERS.map(work));

for (const backend of ['udp', 'vxlan', 'host-gw'] as const)
  describe(`the seed's scenario: three nodes, a discovery URL, Docker: ${backend}`, () => {
    const test = useLab({
      ...{ name: `lab-seed-${backend}`, backend, size: NUMBERS.length, etcdMembers: NUMBERS.length },
      ...{ docker: true, discovery: true, bare: true },
    });
    let before: Snapshot[] = [];
    let addresses: string[] = [];

    it('init by the discovery URL makes one healthy cluster', async () => {
      await bootstrap(test.lab);
      for (const number of NUMBERS) {
        const isHealthy = async () =>
          (await runOn(test.lab, test.node(number), ['tsflannel', 'etcd', 'status'])).exit === 0;
        await until('all are healthy', isHealthy);
        const { stdout } = await test.run(number, 'tsflannel', 'etcd', 'status', '--json');
        const { members } = JSON.parse(stdout) as { members: { name: string }[] };
        assert.deepEqual(members.map(({ name }) => name).sort(), ['n1', 'n2', 'n3']);
      }
      before = await everyNode((number) => showsOf(test, number));
    }).timeout(300_000);

    it('config set, up and docker apply give each Docker a subnet of its own', async () => {
      await configure(test.lab);
      addresses = await everyNode((number) => runContainer(test.lab, test.node(number), `c${number}`));
      assert.notEqual(difference(before[0] ?? {}, await showsOf(test, 1)), '', 'the check at the end sees nothing');
      assert.equal(new Set(addresses.map((address) => address.split('.')[2])).size, NUMBERS.length, addresses.join());
    }).timeout(900_000);

    it('containers of different nodes reach each other, and see each other by their own addresses', async () => {
      for (const [from, to] of [
        [1, 2],
        [2, 3],
        [3, 1],
      ] as const) {
        const address = addresses[to - 1] ?? '';
        const capture = await startCapture(test.node(to).namespace, 'docker0', 'icmp[icmptype] == icmp-echo');
        await test.run(from, 'docker', 'exec', `c${from}`, '/bin/busybox', 'ping', '-c', '2', '-W', '30', address);
        const seen = await capture.end();
        assert.ok(
          seen.some((line) => line.includes(`IP ${addresses[from - 1]} > ${address}:`)),
          seen.join('\n'),
        );
      }
    }).timeout(300_000);

    it(TUNNEL[backend] ? 'nothing goes outside the tunnel' : 'packets go as they are', async () => {
      const bare = await startCapture(test.lab.underlay, 'n1', `net ${NETWORK}`);
      const tunnel = await startCapture(test.lab.underlay, 'n1', TUNNEL[backend] ?? 'udp port 8472 or udp port 8285');
      await test.run(1, 'docker', 'exec', 'c1', '/bin/busybox', 'ping', '-c', '3', '-W', '30', addresses[1] ?? '');
      const [outside, inside] = [await bare.end(), await tunnel.end()];
      assert.equal(outside.length > 0, backend === 'host-gw', outside.join('\n'));
      assert.equal(inside.length > 0, backend !== 'host-gw', inside.join('\n'));
    }).timeout(300_000);

    it('routes and leases show the three nodes', async () => {
      for (const command of ['routes', 'leases']) {
        const { stdout } = await test.run(1, 'tsflannel', command);
        for (const number of NUMBERS)
          assert.match(stdout, new RegExp(`n${number} +198\\.18\\.0\\.${number} +${backend}`));
      }
    });

    it('docker revert and down leave each node as it was, but for its node id', async () => {
      await everyNode((number) => test.run(number, 'docker', 'rm', '--force', `c${number}`));
      await everyNode((number) => test.run(number, 'tsflannel', 'docker', 'revert', '--yes'));
      await everyNode((number) => test.run(number, 'tsflannel', 'down'));
      for (const number of NUMBERS)
        await leftNothing(before[number - 1] ?? {}, () => showsOf(test, number), `n${number}`, [/state\/node\.json/]);
    }).timeout(900_000);
  });
