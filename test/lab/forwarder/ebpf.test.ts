import assert from 'node:assert/strict';
import { MANNERS } from '../../../src/forwarder/ebpf/attach.ts';
import { until } from '../../support/until.ts';
import {
  answered,
  DEVICE,
  device,
  fitsThrough,
  inside,
  likeWire,
  ping,
  type Scene,
  scene,
  specOf,
  unanswered,
} from './scene.ts';

/** Both nodes by programs that are held in this manner, each with an echo and a digest. */
async function startBoth({ net, startForwarder }: Scene, manner: (typeof MANNERS)[number]): Promise<void> {
  const by = { type: 'ebpf', manners: [manner] } as const;
  await startForwarder({ ...specOf('a', ['b']), ...by });
  await startForwarder({ ...specOf('b', ['a']), ...by });
  for (const name of ['a', 'b'] as const) {
    await net[name].ask(`echo ${device(name)} 7`);
    await net[name].ask(`digest ${device(name)} 80`);
  }
}

/** Frames that the node has sent on this device. */
async function sentOn(name: 'a' | 'b', link: string): Promise<number> {
  const line = (await inside(name, 'cat', '/proc/net/dev')).split('\n').find((one) => one.includes(`${link}:`));
  return Number(line?.split(':')[1]?.trim().split(/\s+/)[9] ?? Number.NaN);
}

for (const manner of MANNERS)
  describe(`forwarder/ebpf between namespaces, held by ${manner}`, function () {
    this.timeout(300_000);
    const lab = scene((one) => startBoth(one, manner));

    it('says how it runs', async () => {
      const { type, how } = (await lab.forwarders.a.ask('report')) as { type: string; how: string };
      assert.deepEqual([type, how.includes(manner)], ['ebpf', true]);
    });

    it('carries a ping both ways, with one hop taken off at either end, and past the TUN', async () => {
      const before = await sentOn('a', DEVICE);
      assert.match(await ping('a', device('b')), /ttl=62/);
      assert.match(await ping('b', device('a')), /ttl=62/);
      assert.equal(await sentOn('a', DEVICE), before);
    });

    it('carries UDP of every size, and what is larger in fragments', async () => {
      const sizes = [...Array(1473).keys(), 2000, 4000, 9000];
      assert.deepEqual(await lab.net.a.ask(`exchange ${device('b')} 7 ${sizes.join(' ')}`), []);
    });

    it('carries TCP both ways, every byte, and bursts of UDP', async () => {
      assert.equal(await lab.net.a.ask(`transfer ${device('b')} 80 30000001`), true);
      assert.equal(await lab.net.b.ask(`transfer ${device('a')} 80 30000001`), true);
      for (const size of [1, 999, 1444]) {
        assert.equal(await lab.net.a.ask(`burst ${device('b')} 7 ${size} 40`), true, `${size} from a`);
        assert.equal(await lab.net.b.ask(`burst ${device('a')} 7 ${size} 40`), true, `${size} from b`);
      }
    });

    it('counts packets and bytes for the node and for each peer', async () => {
      const was = await lab.counters('a');
      assert.ok(answered(await ping('a', device('b'), '-s', '100')));
      await until('the answer is counted', async () => (await lab.counters('a')).received.bytes > was.received.bytes);
      const now = await lab.counters('a');
      assert.deepEqual(
        [now.sent.packets - was.sent.packets, now.sent.bytes - was.sent.bytes, now.received.bytes - was.received.bytes],
        [1, 128, 128],
      );
      assert.deepEqual(now.peers[0]?.sent, now.sent);
      assert.deepEqual(now.peers[0]?.received, now.received);
    });

    it('leaves to the slow path what needs an answer', async () => {
      assert.match(await ping('a', device('b'), '-t', '1'), /From 172.20.1.0 .*Time to live exceeded/);
      assert.match(await ping('a', device('b'), '-t', '2'), /From 172.20.2.0 .*Time to live exceeded/);
      assert.match(await ping('a', '172.20.9.1'), /From 172.20.1.0 .*Destination Net Unreachable/);
      // With a metric of its own: else the kernel shares the route's cache, of multicast with a TTL of 1, with the network's route.
      await inside('a', 'ip', 'route', 'add', '239.0.0.0/8', 'dev', DEVICE, 'metric', '7');
      assert.ok(await unanswered('a', '172.20.1.77'));
      assert.ok(await unanswered('a', '239.1.1.1'));
      for (const reason of ['ttl', 'no-route', 'own-subnet', 'multicast'] as const)
        await lab.hasDropped('a', reason, 1);
      await lab.hasDropped('b', 'ttl', 1);
    });

    it('follows its table at once', async () => {
      await lab.forwards('a');
      assert.match(await ping('a', device('b')), /Destination Net Unreachable/);
      await lab.forwards('a', 'b');
      assert.ok(answered(await ping('a', device('b'))));
    });

    it('says how much fits where the path is narrower, and fragments what may be', () =>
      fitsThrough(lab, 'mtu', 'lock', '1300'));

    it('waits for a neighbour it does not know yet, without losing the packet', async () => {
      await inside('a', 'ip', 'neigh', 'flush', 'all');
      await inside('b', 'ip', 'neigh', 'flush', 'all');
      assert.match(await ping('a', device('b')), /1 packets transmitted, 1 received/);
    });

    it('goes on when the underlay is back', async () => {
      await inside('a', 'ip', 'link', 'set', 'eth0', 'down');
      assert.ok(await unanswered('a', device('b')));
      await inside('a', 'ip', 'link', 'set', 'eth0', 'up');
      await until('the underlay is back', async () => answered(await ping('a', device('b'))));
    });

    it('is not whole when a program is taken away, and is again when it is started', async () => {
      assert.notEqual(await lab.forwarders.a.ask('running'), null);
      if (manner === 'clsact') await inside('a', 'tc', 'qdisc', 'delete', 'dev', 'eth0', 'clsact');
      else await inside('a', 'ip', 'link', 'delete', 'flannel0-gro');
      assert.equal(await lab.forwarders.a.ask('running'), null);
      assert.equal(await lab.forwarders.a.ask(`start ${JSON.stringify(specOf('a', ['b'], [], 'ebpf'))}`), null);
      assert.notEqual(await lab.forwarders.a.ask('running'), null);
      assert.ok(answered(await ping('a', device('b'))));
    });
  });

describe('forwarder/ebpf on an underlay like a wire', function () {
  this.timeout(300_000);
  const lab = scene(async (one) => {
    for (const name of ['a', 'b'] as const) await likeWire(name);
    await startBoth(one, 'tcx');
  });

  it('joins TCP packets again on the receiving side', async () => {
    await inside('b', 'ip', 'address', 'add', '172.20.2.1/32', 'dev', 'lo');
    const before = { frames: await sentOn('a', 'eth0'), acks: await sentOn('b', 'eth0') };
    assert.equal(await lab.net.a.ask(`transfer ${device('b')} 80 30000001`), true);
    const frames = (await sentOn('a', 'eth0')) - before.frames;
    const acks = (await sentOn('b', 'eth0')) - before.acks;
    assert.ok(frames > 20_000, `${frames} frames`);
    // Without GRO every second segment is acknowledged.
    assert.ok(acks < frames / 5, `${acks} acknowledgements of ${frames} frames`);
  });
});
