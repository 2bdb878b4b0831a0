/** A path that takes less than the tunnel needs: the peer is named, and TCP between containers goes on. */
import assert from 'node:assert/strict';
import { execa } from 'execa';
import type { Check } from '../../src/model/report.ts';
import { startChild } from '../support/children.ts';
import { type Container, type Ground, type Host, makeGround, type Running } from '../support/ground.ts';
import { difference, type Snapshot, snapshot } from '../support/leaks.ts';
import { until } from '../support/until.ts';

const NAME = 'tsmt';
const MINE = { mine: new RegExp(`\\b${NAME}(u|\\d|-)`) };
/** What the cable to the second host takes. A bridge lets 4 bytes more pass, for a VLAN tag; VXLAN takes 50. */
const CABLE = 1380;
const INNER = '133[0-4]';
const MSS = /--set-mss 129[0-4]/g;

describe('a path that takes smaller packets', () => {
  let before_: Snapshot;
  let ground: Ground;
  let hosts: [Host, Host];
  let containers: [Container, Container];
  let daemon: Running;

  const up = (host: Host): Promise<Running> => host.up('--ask-peers-every', '1s');

  before(async function () {
    this.timeout(300_000);
    before_ = await snapshot(MINE);
    ground = await makeGround(NAME, 2);
    hosts = ground.hosts as [Host, Host];
    await hosts[0].tsflannel('config', 'set', '--network', '172.20.0.0/16', '--backend', 'vxlan');
    await up(hosts[1]);
    await execa('ip', ['-n', ground.underlay, 'link', 'set', 'n2', 'mtu', String(CABLE)]);
    daemon = await up(hosts[0]);
    containers = [await ground.attach(hosts[0]), await ground.attach(hosts[1])];
  });
  after(async function () {
    this.timeout(300_000);
    await ground?.close();
    assert.equal(difference(before_, await snapshot(MINE)), '');
  });

  const check = async (): Promise<Check | undefined> => {
    const text = await hosts[0].tsflannel('status', '--json').catch(({ stdout }: { stdout: string }) => stdout);
    return (JSON.parse(text) as { checks?: Check[] }).checks?.find(({ name }) => name === 'path mtu');
  };

  it('is named by status, with what it takes', async () => {
    await until('the check', async () => (await check())?.state === 'degraded', 400_000);
    assert.match(
      (await check())?.detail ?? '',
      new RegExp(`${hosts[1].name} .* takes ${INNER} bytes, containers send 1450`),
    );
  }).timeout(600_000);

  it('TCP through it is made to fit, in both directions, and again after a flush', async () => {
    const rules = () => hosts[0].run('iptables-save', '-t', 'mangle');
    await until('the rules', async () => (await rules()).match(MSS)?.length === 2);
    await hosts[0].run('iptables', '-t', 'mangle', '-F');
    await until('the rules after a flush', async () => (await rules()).match(MSS)?.length === 2);
    const [one, two] = await Promise.all(containers.map(({ namespace }) => startChild(namespace, 'net-node')));
    assert.ok(one && two);
    try {
      await one.ask(`digest ${containers[0].ip} 7000`);
      await two.ask(`digest ${containers[1].ip} 7000`);
      assert.equal(await one.ask(`transfer ${containers[1].ip} 7000 300000`), true);
      assert.equal(await two.ask(`transfer ${containers[0].ip} 7000 300000`), true);
    } finally {
      await Promise.all([one.end(), two.end()]);
    }
  }).timeout(300_000);

  it('is forgotten once the path is as wide as the others', async () => {
    await execa('ip', ['-n', ground.underlay, 'link', 'set', 'n2', 'mtu', '1500']);
    await daemon.stop('SIGTERM');
    daemon = await up(hosts[0]);
    await until('the check', async () => (await check())?.state === 'ok');
    const rules = () => hosts[0].run('iptables-save', '-t', 'mangle');
    await until('the rules are gone', async () => !/TSFLANNEL/.test(await rules()));
  }).timeout(300_000);
});
