import assert from 'node:assert/strict';
import { answered, device, inside, likeWire, ping, type Scene, scene, space, specOf } from './scene.ts';

const CONTAINER = '172.20.2.9';
const GATEWAY = '172.20.2.1';

/** Node c becomes a container of node b, behind a veth pair. */
async function plugContainer(): Promise<void> {
  await inside('b', 'ip', 'link', 'add', 'pod', 'type', 'veth', 'peer', 'name', 'pod', 'netns', space('c'));
  for (const [name, address] of [
    ['b', GATEWAY],
    ['c', CONTAINER],
  ] as const) {
    await inside(name, 'ip', 'address', 'add', `${address}/24`, 'dev', 'pod');
    await inside(name, 'ip', 'link', 'set', 'pod', 'mtu', '1472', 'up');
  }
  await inside('c', 'ip', 'route', 'add', '172.20.0.0/16', 'via', GATEWAY);
}

async function start({ net, startForwarder }: Scene, directDelivery: boolean): Promise<void> {
  await startForwarder(specOf('a', ['b'], [], 'ebpf'));
  await startForwarder({ ...specOf('b', ['a'], [], 'ebpf'), directDelivery });
  await plugContainer();
  await net.c.ask(`echo ${CONTAINER} 7`);
  await net.c.ask(`digest ${CONTAINER} 80`);
  await net.b.ask(`echo ${device('b')} 7`);
}

for (const wire of [false, true])
  for (const direct of [false, true])
    describe(`forwarder/ebpf ${direct ? 'with' : 'without'} direct delivery, ${wire ? 'like a wire' : 'on veth'}`, function () {
      this.timeout(300_000);
      const lab = scene(async (one) => {
        if (wire) for (const name of ['a', 'b'] as const) await likeWire(name);
        await start(one, direct);
      });

      it('brings packets to the container, with the hops taken off that there are', async () => {
        assert.match(await ping('a', CONTAINER), /ttl=61/);
        assert.equal(await lab.net.a.ask(`transfer ${CONTAINER} 80 20000001`), true);
        assert.deepEqual(await lab.net.a.ask(`exchange ${CONTAINER} 7 0 1 500 1444 3000`), []);
      });

      it('leaves to the stack what is for the node itself, for nobody, or at the end of its time', async () => {
        assert.ok(answered(await ping('a', device('b'))));
        assert.match(await ping('a', '172.20.2.77'), /From 172.20.2.[01] .*Host Unreachable|0 received/);
        assert.match(await ping('a', CONTAINER, '-t', '3'), /Time to live exceeded|1 received/);
      });

      it(direct ? 'passes by the filters of the host' : 'passes the filters of the host', async () => {
        await inside('b', 'nft', 'add table ip t; add chain ip t f { type filter hook forward priority 0; }');
        await inside('b', 'nft', `add rule ip t f ip daddr ${CONTAINER} drop`);
        assert.equal(answered(await ping('a', CONTAINER, '-w', direct ? '20' : '1')), direct);
        await inside('b', 'nft', 'delete table ip t');
        assert.ok(answered(await ping('a', CONTAINER)));
        const { how } = (await lab.forwarders.b.ask('report')) as { how: string };
        assert.equal(how.includes('past the filters'), direct);
      });
    });
