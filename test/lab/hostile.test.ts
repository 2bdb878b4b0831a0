/** The corpus in a real etcd, beside two nodes that live by it: reliability, row 19. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ask } from '../../src/control/client.ts';
import { type Ground, hostileLeases, vxlanValue } from '../corpus/hostile.ts';
import { runOn, useLab } from '../support/lab.ts';
import { statusOf } from '../support/lab-daemon.ts';
import { until } from '../support/until.ts';

const SUBNETS = '/coreos.com/network/subnets';
const NET = '172.17';

/** What the corpus would have a shell make. */
const CANARY = '/tmp/x';

/** What goes into an argument; larger values are a matter of the unit tests. */
const MAX_ARGUMENT = 100_000;

/** `doctor` shows so many refused leases at once. */
const SHOWN = 20;

interface Finding {
  readonly id: string;
  readonly result: string;
  readonly evidence: string;
}

/** Believed, and without effect all the same: our own address, a MAC that an older lease has, another VNI. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([64, 84, 91].map((third) => `${NET}.${third}.0-24`));

describe('hostile leases in etcd', () => {
  const test = useLab({
    ...{ name: 'lab-hostile', backend: 'vxlan' },
    // The entries are of other subnets than the nodes': below 100 and above 200.
    range: ['172.17.100.0', '172.17.198.0'],
  });
  const etcdctl = (...argv: string[]) => test.run(1, 'env', 'ETCDCTL_API=3', 'etcdctl', ...argv);
  const subnetOf = async (number: number) => (await statusOf(test, number)).node?.subnet ?? '';

  /** All that a lease makes in the kernel. */
  async function kernel(): Promise<string> {
    const looks = [
      ['ip', 'route', 'show', 'table', 'all'],
      ['ip', 'neighbour', 'show', 'dev', 'flannel.1', 'nud', 'permanent'],
      ['bridge', 'fdb', 'show', 'dev', 'flannel.1'],
      ['ip', '-o', 'link', 'show'],
    ];
    const said = await Promise.all(looks.map((argv) => test.run(1, ...argv)));
    return said.map(({ stdout }) => stdout.split('\n').sort().join('\n')).join('\n');
  }

  async function refused(): Promise<Finding> {
    const { stdout } = await runOn(test.lab, test.node(1), ['tsflannel', 'doctor', '--json']);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    const found = findings.find(({ id }) => id === 'leases');
    assert.ok(found, stdout.slice(0, 500));
    return found;
  }

  /** How many leases the daemon itself does not believe, from its socket. */
  async function refusedByDaemon(): Promise<number> {
    const { checks } = await ask(join(test.node(1).dir, 'run'), 'status');
    const detail = checks.find(({ name }) => name === 'leases')?.detail ?? '';
    return Number(/warning: (\d+) refused/.exec(detail)?.[1] ?? 0);
  }

  async function corpus(): Promise<readonly (readonly [string, string])[]> {
    const [own, peer] = [await subnetOf(1), await subnetOf(2)];
    const taken = Number(peer.split('.')[2]);
    const { value } = JSON.parse((await etcdctl('get', '-w', 'json', `${SUBNETS}/${peer.replace('/', '-')}`)).stdout)
      .kvs[0];
    const { BackendData } = JSON.parse(Buffer.from(value, 'base64').toString()) as { BackendData: { VtepMAC: string } };
    const ground: Ground = { net: NET, taken, peerMac: BackendData.VtepMAC, underlay: '198.18.0.1' };
    const nodes = [own, peer].map((subnet) => subnet.replace('/', '-'));
    return hostileLeases(ground).filter(
      ([name, text]) => !nodes.includes(name) && text.length < MAX_ARGUMENT && !text.includes('\0') && name !== '',
    );
  }

  it('are named by doctor with key and code, change nothing in the kernel, and nothing of them is executed', async () => {
    await rm(CANARY, { force: true });
    const before = await kernel();
    const all = await corpus();
    let slowest = 0;
    let known = 0;
    for (let from = 0; from < all.length; from += SHOWN) {
      const some = all.slice(from, from + SHOWN);
      for (const [name, value] of some) await etcdctl('put', '--', `${SUBNETS}/${name}`, value);
      const written = performance.now();
      const believed = some.filter(([name]) => WITHOUT_EFFECT.has(name)).length;
      await until('the daemon knows of all', async () => (await refusedByDaemon()) === some.length - believed);
      known = Math.max(known, performance.now() - written);
      const since = performance.now();
      const { result, evidence } = await refused();
      slowest = Math.max(slowest, performance.now() - since);
      assert.equal(result, 'warn');
      for (const [name] of some) {
        const isNamed = evidence.split('; ').some((text) => /: [A-Z0-9_]+: /.test(text) && text.includes(`${name}: `));
        assert.ok(isNamed || WITHOUT_EFFECT.has(name), `${name} in ${evidence}`);
      }
      assert.equal(await kernel(), before);
      for (const [name] of some) await etcdctl('del', '--', `${SUBNETS}/${name}`);
    }
    console.log(
      `      ${all.length} entries; the daemon knew after ${Math.round(known)} ms, doctor took at most ${Math.round(slowest)} ms`,
    );
    assert.equal(existsSync(CANARY), false);
    await until('doctor is content again', async () => (await refused()).result === 'ok');
  }).timeout(240_000);

  it('do not keep a good one from being followed', async () => {
    const [bad, good] = [`${SUBNETS}/${NET}.250.0-24`, `${SUBNETS}/${NET}.251.0-24`];
    await etcdctl('put', '--', bad, vxlanValue('$(touch /tmp/x)', '02:00:00:00:02:50'));
    await etcdctl('put', '--', good, vxlanValue('198.18.0.99', '02:00:00:00:02:51'));
    await until('its route', async () => (await kernel()).includes(`${NET}.251.0/24`));
    assert.ok(!(await kernel()).includes(`${NET}.250.0/24`));
    await etcdctl('del', bad);
    await etcdctl('del', good);
  }).timeout(240_000);
});
