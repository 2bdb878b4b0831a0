import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Scene } from '../../../src/backend/desired.ts';
import { memoryKernel } from '../../../src/kernel/memory/memory.ts';
import { printObject } from '../../../src/kernel/print.ts';
import type { Kernel, KernelObject } from '../../../src/kernel/state.ts';
import type { Lease, PeerData } from '../../../src/model/lease.ts';
import { planFor } from '../../../src/reconcile/reconciler.ts';
import { docker0, sceneOf, underlay } from '../../support/scene.ts';
import { mac, nodeLease, prefix } from '../../support/values.ts';

type Peers = ReadonlyMap<string, Lease>;

const BACKENDS = [
  {},
  { Backend: { Type: 'udp', Port: 9000 } },
  { Backend: { Type: 'vxlan' } },
  { Backend: { Type: 'vxlan', VNI: 7, DirectRouting: true } },
  { Backend: { Type: 'host-gw' } },
];

const scene: fc.Arbitrary<Scene> = fc
  .tuple(fc.constantFrom(...BACKENDS), fc.boolean(), fc.boolean(), fc.constantFrom('10.5.1.0/24', '10.5.99.0/24'))
  .map(([config, ipMasq, dockerUser, subnet]) => ({
    ...sceneOf(config, { ipMasq, filter: { variant: 'iptables-nft', dockerUser } }),
    self: { subnet: prefix(subnet) },
  }));

const peer = fc.record({
  number: fc.integer({ min: 2, max: 9 }),
  type: fc.constantFrom('udp', 'vxlan', 'host-gw'),
  mac: fc.integer({ min: 1, max: 5 }),
  age: fc.integer({ min: 1, max: 99 }),
});
const dataOf = (type: string, number: number): PeerData =>
  type === 'vxlan' ? { type, mac: mac(`02:00:00:00:00:0${number}`) } : ({ type } as PeerData);
const peers: fc.Arbitrary<Peers> = fc
  .uniqueArray(peer, { selector: ({ number }) => number, maxLength: 8 })
  .map(
    (list) =>
      new Map(
        list.map((one) => [
          `p${one.number}`,
          nodeLease(`10.5.${one.number}.0/24`, one.number, dataOf(one.type, one.mac), one.age),
        ]),
      ),
  );

async function converge(kernel: Kernel, wanted: Scene, with_: Peers): Promise<void> {
  for (let pass = 0; pass < 3; pass++) await kernel.apply(await planFor(kernel, wanted, with_));
}

const shown = async (kernel: Kernel): Promise<string[]> => {
  const seen = await kernel.observe({ paths: ['/run/flannel/subnet.env'], sysctls: ['net.ipv4.ip_forward'] });
  return [...seen.values()]
    .map(({ object, ours }) => `${ours} ${printObject(object)} ${object.kind === 'file' ? object.content : ''}`)
    .sort();
};

function host(docker: readonly KernelObject[]) {
  const kernel = memoryKernel();
  for (const object of [...underlay(1), ...docker]) kernel.foreign(object);
  return kernel;
}

const docker = fc.constantFrom<readonly KernelObject[]>(
  [],
  docker0('10.5.0.0/16'),
  docker0('172.17.0.0/16'),
  docker0('10.5.1.0/24'),
);

describe('reconciling: properties', () => {
  it('a node ends at the same, whatever it was before', async () => {
    await fc.assert(
      fc.asyncProperty(scene, peers, scene, peers, docker, async (before, peersBefore, after, peersAfter, there) => {
        const used = host(there);
        await converge(used, before, peersBefore);
        await converge(used, after, peersAfter);
        const fresh = host(there);
        await converge(fresh, after, peersAfter);
        assert.deepEqual(await shown(used), await shown(fresh));
        const left = await planFor(used, after, peersAfter);
        assert.deepEqual(
          left.filter(({ action }) => action !== 'blocked'),
          [],
        );
      }),
    );
  });

  it('what a vandal takes comes back', async () => {
    await fc.assert(
      fc.asyncProperty(scene, peers, fc.array(fc.nat(), { maxLength: 5 }), async (wanted, with_, picks) => {
        const kernel = host([]);
        await converge(kernel, wanted, with_);
        const whole = await shown(kernel);
        const seen = await kernel.observe({ paths: ['/run/flannel/subnet.env'], sysctls: [] });
        const keys = [...seen].flatMap(([key, { ours }]) => (ours ? [key] : []));
        for (const pick of picks) kernel.removeBehindBack(keys[pick % keys.length] ?? '');
        await converge(kernel, wanted, with_);
        assert.deepEqual(await shown(kernel), whole);
      }),
    );
  });
});
