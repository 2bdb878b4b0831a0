import assert from 'node:assert/strict';
import type { DropReason } from '../../../src/model/carrier-report.ts';
import { until } from '../../support/until.ts';
import { answered, DEVICE, device, fitsThrough, inside, type Name, ping, scene, specOf, unanswered } from './scene.ts';

describe('forwarder/tun between namespaces', function () {
  this.timeout(300_000);
  const lab = scene(async ({ net, startForwarder }) => {
    await startForwarder(specOf('a', ['b']));
    await startForwarder(specOf('b', ['a']));
    await net.b.ask(`echo ${device('b')} 7`);
  });

  it('carries a ping both ways, with one hop taken off at either end', async () => {
    assert.match(await ping('a', device('b')), /ttl=62/);
    assert.match(await ping('b', device('a')), /ttl=62/);
  });

  it('carries UDP of every size, and what is larger in fragments', async () => {
    const sizes = [...Array(1473).keys(), 2000, 4000, 9000];
    assert.deepEqual(await lab.net.a.ask(`exchange ${device('b')} 7 ${sizes.join(' ')}`), []);
  });

  it('counts packets and bytes for the node and for each peer', async () => {
    const was = await lab.counters('a');
    assert.ok(answered(await ping('a', device('b'), '-s', '100')));
    await until('the answer is counted', async () => (await lab.counters('a')).received.bytes > was.received.bytes);
    const now = await lab.counters('a');
    const gone = now.sent.packets - was.sent.packets;
    assert.deepEqual([gone, now.sent.bytes - was.sent.bytes], [1, 128]);
    assert.deepEqual(now.peers[0]?.sent, now.sent);
    assert.equal(now.received.bytes - was.received.bytes, 128);
  });

  it('answers with time exceeded: the near end for a TTL of 1, the far end for 2', async () => {
    assert.match(await ping('a', device('b'), '-t', '1'), /From 172.20.1.0 .*Time to live exceeded/);
    assert.match(await ping('a', device('b'), '-t', '2'), /From 172.20.2.0 .*Time to live exceeded/);
    await lab.hasDropped('a', 'ttl', 1);
    await lab.hasDropped('b', 'ttl', 1);
  });

  it('answers with net unreachable for a subnet nobody leases, as soon as the table says so', async () => {
    assert.match(await ping('a', '172.20.9.1'), /From 172.20.1.0 .*Destination Net Unreachable/);
    await lab.forwards('a');
    assert.match(await ping('a', device('b')), /Destination Net Unreachable/);
    await lab.forwards('a', 'b');
    assert.ok(answered(await ping('a', device('b'))));
    await lab.hasDropped('a', 'no-route', 2);
  });

  it('drops what is for its own subnet or for a group', async () => {
    await inside('a', 'ip', 'route', 'add', '239.0.0.0/8', 'dev', DEVICE);
    assert.ok(await unanswered('a', '172.20.1.77'));
    assert.ok(await unanswered('a', '239.1.1.1'));
    await lab.hasDropped('a', 'own-subnet', 1);
    await lab.hasDropped('a', 'multicast', 1);
  });

  it('says how much fits where the path is narrower, and fragments what may be', () => fitsThrough(lab, 'mtu', '1300'));

  it('counts what the underlay refuses and goes on when it no longer does', async () => {
    const refused = async (reason: DropReason, node: Name) => {
      const was = await lab.drops(node, reason);
      assert.ok(await unanswered('a', device('b')));
      await until(reason, async () => (await lab.drops(node, reason)) > was);
    };
    await inside('a', 'nft', 'add table ip t; add chain ip t out { type filter hook output priority 0; }');
    await inside('a', 'nft', 'add rule ip t out udp dport 8285 drop');
    await refused('send-failed', 'a');
    await inside('a', 'nft', 'delete table ip t');
    assert.ok(answered(await ping('a', device('b'))));

    await inside('a', 'ip', 'link', 'set', 'eth0', 'down');
    await refused('send-failed', 'a');
    await inside('a', 'ip', 'link', 'set', 'eth0', 'up');
    await until('the underlay is back', async () => answered(await ping('a', device('b'))));

    await inside('b', 'ip', 'link', 'set', DEVICE, 'down');
    await refused('write-failed', 'b');
    await inside('b', 'ip', 'link', 'set', DEVICE, 'up');
    await inside('b', 'ip', 'route', 'add', '172.20.0.0/16', 'dev', DEVICE);
    assert.ok(answered(await ping('a', device('b'))));
  });
});
