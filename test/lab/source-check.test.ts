/** n3 turns bad: it sends what it should not to n1, in the name of n2, of n1, of itself and of nobody. */
import assert from 'node:assert/strict';
import {
  aside,
  datagram,
  type Frame,
  outer,
  STRANGER,
  sibling,
  stage,
  tunnelled,
  untunnelled,
} from '../support/forged.ts';
import { runOn, useLab } from '../support/lab.ts';
import { killDaemon, statusOf, upAgain } from '../support/lab-daemon.ts';
import { until } from '../support/until.ts';

const VXLAN_PORT = 8472;
const CONFIG_KEY = '/coreos.com/network/config';

describe('source check of vxlan: forged packets from the underlay', function () {
  this.timeout(300_000);
  const test = useLab({ name: 'lab-srcvx', backend: 'vxlan', size: 3 });
  const scene = stage(test);
  const macs = new Map<number, string>();
  const frame = (from: number, to = 1): Frame => ({ from: macs.get(from)!, to: macs.get(to)! });
  const send = (from: string, payload: string): string => `send ${outer(1)} ${VXLAN_PORT} ${from} ${payload}`;

  before(async () => {
    for (const number of [1, 2, 3]) {
      const { stdout } = await test.run(number, 'ip', '-j', 'link', 'show', 'flannel.1');
      macs.set(number, JSON.parse(stdout)[0].address);
    }
  });

  it('drops what comes from no peer’s address', async () => {
    const [me = '', , third = ''] = scene.pods;
    const forged = [sibling(third, 5), sibling(third, 1), '8.8.8.8'].map((source) =>
      send(STRANGER, tunnelled(frame(3), datagram(source, me))),
    );
    await scene.dropped('outer-source-unknown', ...forged);
  });

  it('names a peer whose packets come from another address than its lease says', async () => {
    const nft = (number: number, text: string) => test.run(number, 'nft', text);
    const moved = `chain out { type filter hook postrouting priority 300; udp dport ${VXLAN_PORT} ip saddr set ${STRANGER}; }`;
    await nft(3, `table ip moved { ${moved}; }`);
    // What n3 sent before is forgotten with the counters.
    await nft(1, 'delete table inet tsflannel-sources');
    const named = new RegExp(`packets of n3 .* came from ${STRANGER}, .* says ${outer(3)}`);
    await until('n3 is named', async () => {
      await runOn(test.lab, test.node(3), ['ping', '-c', '1', '-W', '1', '-I', scene.pods[2]!, scene.pods[0]!]);
      const check = (await statusOf(test, 1)).checks.find(({ name }) => name === 'sources');
      return check?.state === 'degraded' && named.test(check.detail);
    });
    await nft(3, 'delete table ip moved');
  });

  it('drops what borrows another peer’s MAC, or has nobody’s', async () => {
    const [me = '', second = ''] = scene.pods;
    const inner = datagram(second, me);
    const nobodys = { from: '02:00:00:00:00:77', to: macs.get(1)! };
    await scene.dropped(
      'outer-source-unknown',
      ...[frame(2), frame(1), nobodys].map((one) => send(outer(3), tunnelled(one, inner))),
    );
  });

  it('drops fragments of such a datagram, which are judged together', async () => {
    const big = datagram(scene.pods[2]!, scene.pods[0]!, 3000);
    await scene.dropped('outer-source-unknown', send(STRANGER, tunnelled(frame(3), big)));
    await scene.comes(send(outer(3), tunnelled(frame(3), big)));
  });

  it('drops a peer’s packets in the name of another, of ourselves, of anybody', async () => {
    const [me = '', second = ''] = scene.pods;
    const sources = [second, me, sibling(me, 9), '172.17.0.9', '8.8.8.8', outer(3), '127.0.0.1', '0.0.0.0'];
    await scene.dropped(
      'inner-source-foreign',
      ...sources.map((source) => send(outer(3), tunnelled(frame(3), datagram(source, me)))),
    );
  });

  it('drops a peer’s packets that are not for our subnet, or no IPv4', async () => {
    const [, second = '', third = ''] = scene.pods;
    const targets = [second, third, outer(1), '8.8.8.8', '224.0.0.1', '255.255.255.255'];
    await scene.dropped(
      'inner-destination-foreign',
      ...targets.map((to) => send(outer(3), tunnelled(frame(3), datagram(third, to)))),
    );
    const six = [0x60, 0, 0, 0, 0, 0, 59, 64, ...new Array<number>(32).fill(0x20)];
    await scene.dropped('not-ip4', send(outer(3), tunnelled({ ...frame(3), type: 0x86dd }, Uint8Array.from(six))));
  });

  it('drops what claims to come from the network without a tunnel', async () => {
    const [me = '', second = '', third = ''] = scene.pods;
    const forged = await untunnelled(test, scene, [
      sibling(second, 7),
      sibling(third, 7),
      sibling(me, 7),
      '172.17.0.7',
    ]);
    await scene.dropped('inner-source-foreign', ...forged);
  });

  it('lets through what is sound, and what is none of its business', async () => {
    const [me = '', second = '', third = ''] = scene.pods;
    await scene.comes(
      ...[third, sibling(third, 0), sibling(third, 254)].map((source) =>
        send(outer(3), tunnelled(frame(3), datagram(source, me))),
      ),
      ...(await untunnelled(test, scene, [STRANGER])),
    );
    // Another tunnel on the same port: not ours to judge.
    for (const argv of [
      ['link', 'add', 'other7', 'type', 'vxlan', 'id', '7', 'dstport', '8472', 'local', outer(1)],
      ['link', 'set', 'other7', 'address', '02:00:00:00:00:07', 'up'],
      ['route', 'add', '192.0.2.0/24', 'dev', 'other7'],
    ])
      await test.run(1, 'ip', ...argv);
    const foreign = { from: '02:00:00:00:00:77', to: '02:00:00:00:00:07', vni: 7 };
    await scene.comes(send(STRANGER, tunnelled(foreign, datagram('192.0.2.9', me))));
    await test.run(3, 'ip', 'route', 'del', `${me}/32`);
    for (const [number, pod] of [
      [2, second],
      [3, third],
    ] as const)
      await test.run(number, 'ping', '-c', '3', '-i', '0.2', '-w', '60', '-I', pod, me);
    const check = async () => (await statusOf(test, 1)).checks.find(({ name }) => name === 'sources');
    await until('the check', async () => (await check())?.state === 'ok');
  });

  it('has its table back at once, whoever changes it', async () => {
    const intact = async () => (await test.run(1, 'tsflannel', 'plan')).stdout.startsWith('No change');
    const { stdout } = await test.run(1, 'nft', 'list', 'set', 'inet', 'tsflannel-sources', 'inner');
    const element = /[0-9a-f:]{17} \. [\d./]+/.exec(stdout)?.[0];
    for (const vandal of [
      'insert rule inet tsflannel-sources input accept',
      `delete element inet tsflannel-sources inner { ${element} }`,
      'delete table inet tsflannel-sources',
    ]) {
      await test.run(1, 'nft', vandal);
      await until(vandal, intact);
    }
    await test.run(3, 'ping', '-c', '1', '-w', '60', '-I', scene.pods[2]!, scene.pods[0]!);
  });

  it('follows Backend.SourceCheck: subnet takes any outer address, off takes everything', async () => {
    const [me = '', second = '', third = ''] = scene.pods;
    const inner = datagram(third, me);
    const restart = async (check: string) => {
      const config = { Network: '172.17.0.0/16', Backend: { Type: 'vxlan', SourceCheck: check } };
      await test.run(1, 'env', 'ETCDCTL_API=3', 'etcdctl', 'put', CONFIG_KEY, JSON.stringify(config));
      await killDaemon(test.node(1));
      await upAgain(test, 1);
    };
    await restart('subnet');
    await scene.comes(send(STRANGER, tunnelled(frame(3), inner)));
    await scene.dropped('inner-source-foreign', send(STRANGER, tunnelled(frame(3), datagram(second, me))));
    await restart('off');
    assert.doesNotMatch((await test.run(1, 'nft', 'list', 'tables')).stdout, /tsflannel-sources/);
    await scene.comes(send(STRANGER, tunnelled(frame(3), datagram(second, me))));
    await restart('strict');
    await test.run(1, 'tsflannel', 'down');
    assert.doesNotMatch((await test.run(1, 'nft', 'list', 'tables')).stdout, /tsflannel-sources/);
  });
});

describe('source check of host-gw: forged packets from the underlay', function () {
  this.timeout(300_000);
  const test = useLab({ name: 'lab-srcgw', backend: 'host-gw', size: 3 });
  const scene = stage(test);

  it('drops our own sources and those nobody leases', async () => {
    const [me = ''] = scene.pods;
    await scene.dropped('inner-source-foreign', ...(await untunnelled(test, scene, [sibling(me, 7), '172.17.0.7'])));
  });

  it('drops a peer’s source that comes from another side than the underlay', async () => {
    await scene.dropped('inner-source-foreign', await aside(test, scene, sibling(scene.pods[1]!, 9)));
  });

  it('lets through what is sound, and what no packet filter can tell from it', async () => {
    const [, second = '', third = ''] = scene.pods;
    await scene.comes(...(await untunnelled(test, scene, [third, STRANGER, outer(3)])));
    // On one segment a neighbour that lies about its address cannot be told: docs/security.md says so.
    await scene.comes(...(await untunnelled(test, scene, [sibling(second, 7)])));
    const { peers } = await scene.counters();
    assert.ok(peers.every(({ received }) => received.packets > 0) && peers.length === 2, JSON.stringify(peers));
  });
});
