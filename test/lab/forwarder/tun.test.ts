import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { DropReason, ForwarderCounters } from '../../../src/forwarder/forwarder.ts';
import {
  addNamespace,
  createBridge,
  createVeth,
  deleteNamespace,
  nsenterArgs,
} from '../../../src/kernel/linux/netns.ts';
import { parseIp4 } from '../../../src/model/address.ts';
import { type Child, startChild } from '../../support/children.ts';
import type { NodeSpec } from '../../support/forwarder-node.ts';
import { difference, type Snapshot, snapshot } from '../../support/leaks.ts';
import { address, type Fields, packet } from '../../support/packets.ts';

/** Nodes a, b and c on one underlay (10.200.0.1 to .3); c is the stranger, or a peer gone bad. */
const NODES = { a: 1, b: 2, c: 3 } as const;
type Name = keyof typeof NODES;
const space = (name: Name | 'wire'): string => `fwd-${name}`;
const outer = (name: Name): string => `10.200.0.${NODES[name]}`;
const device = (name: Name): string => `172.20.${NODES[name]}.0`;
const DEVICE = 'flannel0';
const PORT = 8285;

const specOf = (name: Name, peers: readonly Name[]): NodeSpec => ({
  device: DEVICE,
  local: outer(name),
  port: PORT,
  mtu: 1472,
  network: '172.20.0.0/16',
  subnet: `${device(name)}/24`,
  forwards: peers.map((peer) => [`${device(peer)}/24`, outer(peer)] as const),
});

/** Runs a program in the node's namespace; its output, whatever its exit status. */
async function inside(name: Name, program: string, ...args: string[]): Promise<string> {
  const [nsenter, ...rest] = nsenterArgs(space(name));
  const { stdout, stderr } = await execa(nsenter!, [...rest, '--', program, ...args], { reject: false });
  return `${stdout}${stderr}`;
}

const ping = (from: Name, to: string, ...more: string[]): Promise<string> =>
  inside(from, 'ping', '-n', '-c', '1', '-W', '1', ...more, to);
const answered = (output: string): boolean => / 1 received/.test(output);

/** Waits until the condition holds; fails after some seconds. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 5000; performance.now() < end; await sleep(20)) {
    if (await holds()) return;
  }
  assert.fail(`not within 5 s: ${what}`);
}

/** The persistent device as the daemon's kernel part makes it. */
async function makeDevice(name: Name): Promise<void> {
  await inside(name, 'ip', 'tuntap', 'add', DEVICE, 'mode', 'tun');
  await inside(name, 'ip', 'link', 'set', DEVICE, 'mtu', '1472', 'up');
  await inside(name, 'ip', 'address', 'add', `${device(name)}/32`, 'dev', DEVICE);
  await inside(name, 'ip', 'route', 'add', '172.20.0.0/16', 'dev', DEVICE);
}

async function makeNode(name: Name): Promise<void> {
  await addNamespace(space(name));
  await createVeth({
    name: `eth-${name}`,
    bridge: 'wire',
    namespace: space('wire'),
    peer: 'eth0',
    peerNamespace: space(name),
    ip: { ip: parseIp4(outer(name))!, length: 24 },
    mtu: 1500,
  });
}

/** Packets the node's kernel took from flannel0. */
async function delivered(name: Name): Promise<number> {
  const line = (await inside(name, 'cat', '/proc/net/dev')).split('\n').find((one) => one.includes(`${DEVICE}:`));
  return Number(line?.split(':')[1]?.trim().split(/\s+/)[1]);
}

describe('forwarder/tun between namespaces', function () {
  this.timeout(60_000);
  let former: Snapshot;
  const forwarders = {} as Record<Name, Child>;
  const udp = {} as Record<Name, Child>;
  /** What is ours on a machine that others use too. */
  const ours = async (): Promise<Snapshot> => {
    const { namespaces, processes, mounts } = await snapshot({ mine: /fwd-|forwarder-node|udp-node/ });
    return { namespaces: namespaces!, processes: processes!, mounts: mounts! };
  };

  const counters = async (name: Name) => (await forwarders[name].ask('counters')) as ForwarderCounters;
  const drops = async (name: Name, reason: DropReason) => (await counters(name)).drops[reason];
  const forwards = (name: Name, ...peers: Name[]) =>
    forwarders[name].ask(`forwards ${JSON.stringify(specOf(name, peers))}`);
  const startForwarder = async (name: Name, ...peers: Name[]) => {
    forwarders[name] = await startChild(space(name), 'forwarder-node', JSON.stringify(specOf(name, peers)));
  };

  before(async () => {
    former = await ours();
    await addNamespace(space('wire'));
    await createBridge('wire', undefined, space('wire'));
    for (const name of ['a', 'b', 'c'] as const) {
      await makeNode(name);
      udp[name] = await startChild(space(name), 'udp-node');
    }
    for (const name of ['a', 'b'] as const) await makeDevice(name);
    await startForwarder('a', 'b');
    await startForwarder('b', 'a', 'c');
    await udp.b.ask(`echo ${device('b')} 7`);
  });

  after(async () => {
    for (const child of [...Object.values(udp), ...Object.values(forwarders)]) await child.kill('SIGKILL');
    for (const name of ['a', 'b', 'c', 'wire'] as const) await deleteNamespace(space(name));
    await until('nothing is left', async () => difference(former, await ours()) === '');
  });

  it('carries a ping both ways, with one hop taken off at either end', async () => {
    assert.match(await ping('a', device('b')), /ttl=62/);
    assert.match(await ping('b', device('a')), /ttl=62/);
  });

  it('carries UDP of every size, and what is larger in fragments', async () => {
    const sizes = [...Array(1473).keys(), 2000, 4000, 9000];
    assert.deepEqual(await udp.a.ask(`exchange ${device('b')} 7 ${sizes.join(' ')}`), []);
  });

  it('counts packets and bytes for the node and for each peer', async () => {
    const was = await counters('a');
    assert.ok(answered(await ping('a', device('b'), '-s', '100')));
    const now = await counters('a');
    const gone = now.sent.packets - was.sent.packets;
    assert.deepEqual([gone, now.sent.bytes - was.sent.bytes], [1, 128]);
    assert.deepEqual(now.peers[0]?.sent, now.sent);
    assert.equal(now.received.bytes - was.received.bytes, 128);
  });

  it('answers with time exceeded: the near end for a TTL of 1, the far end for 2', async () => {
    assert.match(await ping('a', device('b'), '-t', '1'), /From 172.20.1.0 .*Time to live exceeded/);
    assert.match(await ping('a', device('b'), '-t', '2'), /From 172.20.2.0 .*Time to live exceeded/);
    assert.equal(await drops('a', 'ttl'), 1);
    assert.equal(await drops('b', 'ttl'), 1);
  });

  it('answers with net unreachable for a subnet nobody leases, as soon as the table says so', async () => {
    assert.match(await ping('a', '172.20.9.1'), /From 172.20.1.0 .*Destination Net Unreachable/);
    await forwards('a');
    assert.match(await ping('a', device('b')), /Destination Net Unreachable/);
    await forwards('a', 'b');
    assert.ok(answered(await ping('a', device('b'))));
    assert.equal(await drops('a', 'no-route'), 2);
  });

  it('drops what is for its own subnet or for a group', async () => {
    await inside('a', 'ip', 'route', 'add', '239.0.0.0/8', 'dev', DEVICE);
    assert.ok(!answered(await ping('a', '172.20.1.77')));
    assert.ok(!answered(await ping('a', '239.1.1.1')));
    assert.equal(await drops('a', 'own-subnet'), 1);
    assert.equal(await drops('a', 'multicast'), 1);
  });

  it('says how much fits where the path is narrower, and fragments what may be', async () => {
    await inside('a', 'ip', 'route', 'add', `${outer('b')}/32`, 'dev', 'eth0', 'mtu', '1300');
    assert.match(await ping('a', device('b'), '-M', 'do', '-s', '1400'), /Frag needed and DF set \(mtu = 1272\)/);
    await inside('a', 'ip', 'route', 'flush', 'cache');
    assert.ok(answered(await ping('a', device('b'), '-M', 'dont', '-s', '1400')));
    assert.ok(answered(await ping('a', device('b'), '-M', 'do', '-s', '1200')));
    assert.equal(await drops('a', 'too-big'), 1);
    await inside('a', 'ip', 'route', 'delete', `${outer('b')}/32`);
  });

  it('counts what the underlay refuses and goes on when it no longer does', async () => {
    const refused = async (reason: DropReason, node: Name) => {
      const was = await drops(node, reason);
      assert.ok(!answered(await ping('a', device('b'))));
      assert.ok((await drops(node, reason)) > was, reason);
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

  describe('against forged datagrams', () => {
    const inner = (fields: Partial<Fields>): string => {
      const payload = [0x30, 0x39, 0, 7, 0, 12, 0, 0, 1, 2, 3, 4];
      const whole = { source: address('172.20.1.5'), destination: address('172.20.2.0'), payload, ...fields };
      return Buffer.from(packet(whole)).toString('hex');
    };
    /** Sends it from c, with the outer source it may pretend, and checks that b drops it for this reason alone. */
    async function dropped(payload: string, reason: DropReason, from = outer('c')): Promise<void> {
      const was = { counters: await counters('b'), delivered: await delivered('b'), echoes: await udp.b.ask('count') };
      await udp.c.ask(`send ${outer('b')} ${PORT} ${from} ${payload}`);
      await until(reason, async () => (await drops('b', reason)) > was.counters.drops[reason]);
      const now = await counters('b');
      assert.deepEqual(now.drops, { ...was.counters.drops, [reason]: was.counters.drops[reason] + 1 });
      assert.deepEqual(now.received, was.counters.received);
      assert.deepEqual([await delivered('b'), await udp.b.ask('count')], [was.delivered, was.echoes]);
    }

    it('delivers a sound one of a peer (so that the others fail for what is wrong with them)', async () => {
      const was = (await udp.b.ask('count')) as number;
      await udp.c.ask(`send ${outer('b')} ${PORT} ${outer('c')} ${inner({ source: address('172.20.3.9') })}`);
      await until('it is delivered', async () => (await udp.b.ask('count')) === was + 1);
    });

    it('drops a peer’s packets in the name of another peer, of ourselves, or of anybody', async () => {
      for (const source of [
        '172.20.1.5',
        '172.20.2.5',
        '172.20.9.1',
        '8.8.8.8',
        '127.0.0.1',
        '10.200.0.1',
        '0.0.0.0',
      ]) {
        await dropped(inner({ source: address(source) }), 'inner-source-foreign');
      }
    });

    it('drops a peer’s packets that are not for our subnet', async () => {
      const source = address('172.20.3.9');
      for (const to of [
        '172.20.1.5',
        '172.20.3.9',
        '10.200.0.2',
        '8.8.8.8',
        '224.0.0.1',
        '255.255.255.255',
        '127.0.0.1',
      ]) {
        await dropped(inner({ source, destination: address(to) }), 'inner-destination-foreign');
      }
    });

    it('drops what is no sound packet', async () => {
      const source = address('172.20.3.9');
      const sound = inner({ source });
      await dropped('', 'truncated');
      await dropped(sound.slice(0, 30), 'truncated');
      await dropped(sound.slice(0, -2), 'truncated');
      await dropped(`6${sound.slice(1)}`, 'not-ip4');
      await dropped(`ff${sound.slice(2)}`, 'not-ip4');
      await dropped(`44${sound.slice(2)}`, 'truncated');
      await dropped(`${sound.slice(0, 20)}0000${sound.slice(24)}`, 'bad-checksum');
      await dropped('00'.repeat(9000), 'not-ip4');
    });

    it('drops everything of a stranger, and of one whose table entry is gone', async () => {
      await forwards('b', 'a');
      for (const source of ['172.20.1.5', '172.20.3.9', '172.20.2.5']) {
        await dropped(inner({ source: address(source) }), 'outer-source-unknown');
      }
      await dropped('', 'outer-source-unknown');
      await dropped('00', 'outer-source-unknown');
      await inside('c', 'ip', 'address', 'add', '10.200.0.44/24', 'dev', 'eth0');
      await dropped(inner({}), 'outer-source-unknown', '10.200.0.44');
      await forwards('b', 'a', 'c');
    });

    it('survives a flood of garbage and goes on', async () => {
      const noise = Array.from({ length: 2000 }, (_, i) =>
        ((i * 2654435761) >>> 0)
          .toString(16)
          .padStart(8, '4')
          .repeat(1 + (i % 20)),
      );
      const was = await delivered('b');
      await udp.c.ask(`send ${outer('b')} ${PORT} ${outer('c')} ${noise.join(' ')}`);
      assert.ok(answered(await ping('a', device('b'))));
      assert.equal(await delivered('b'), was + 1);
    });
  });

  describe('over restarts', () => {
    it('uses no CPU when nothing happens', async () => {
      const usage = async () => (await forwarders.b.ask('usage')) as { cpu: { user: number; system: number } };
      const was = await usage();
      await sleep(1000);
      const now = await usage();
      const spent = now.cpu.user + now.cpu.system - was.cpu.user - was.cpu.system;
      assert.ok(spent < 30_000, `${spent} µs of CPU in an idle second`);
    });

    it('keeps the device when it is killed, and the flow goes on with the next start', async () => {
      await forwarders.b.kill('SIGKILL');
      assert.ok(!answered(await ping('a', device('b'))));
      assert.match(await inside('b', 'ip', 'link', 'show', DEVICE), /flannel0: .*UP/);
      await startForwarder('b', 'a', 'c');
      assert.ok(answered(await ping('a', device('b'))));
    });

    it('waits for a former process to let go of the device', async () => {
      const old = forwarders.b;
      const next = startForwarder('b', 'a', 'c');
      await sleep(300);
      await old.kill('SIGKILL');
      await next;
      assert.ok(answered(await ping('a', device('b'))));
    });

    it('starts anew with another subnet, and stops: port and device are free again', async () => {
      const other = { ...specOf('b', ['a']), subnet: '172.20.7.0/24' };
      assert.equal(await forwarders.b.ask(`start ${JSON.stringify(other)}`), null);
      assert.ok(!answered(await ping('a', device('b'))));
      assert.equal(await forwarders.b.ask('stop'), null);
      assert.equal(await forwarders.b.ask('running'), null);
      assert.equal(await forwarders.b.ask('counters'), null);
      assert.equal(await inside('b', 'ss', '-Hlun', 'sport', '=', `:${PORT}`), '');
      assert.match(await inside('b', 'ip', 'link', 'show', DEVICE), /NO-CARRIER/);
      assert.equal(await forwarders.b.ask(`start ${JSON.stringify(specOf('b', ['a']))}`), null);
      await forwards('b', 'a', 'c');
      assert.ok(answered(await ping('a', device('b'))));
    });

    it('ends when the device is deleted, refuses to start without one, starts when it is back', async () => {
      await inside('b', 'ip', 'link', 'delete', DEVICE);
      await until('it has ended', async () => (await forwarders.b.ask('running')) === null);
      const spec = `start ${JSON.stringify(specOf('b', ['a', 'c']))}`;
      const { error } = (await forwarders.b.ask(spec)) as { error: string };
      assert.match(error, /attaching to flannel0/);
      assert.doesNotMatch(await inside('b', 'ip', 'link'), /flannel0/);
      await makeDevice('b');
      assert.equal(await forwarders.b.ask(spec), null);
      assert.ok(answered(await ping('a', device('b'))));
    });

    it('ends with its process when the daemon closes it', async () => {
      assert.equal(await forwarders.a.end(), 0);
      await startForwarder('a', 'b');
      assert.ok(answered(await ping('a', device('b'))));
    });
  });
});
