import assert from 'node:assert/strict';
import type { Scene } from '../../../src/backend/desired.ts';
import { memoryKernel } from '../../../src/kernel/memory/memory.ts';
import type { Lease } from '../../../src/model/lease.ts';
import type { Rejection } from '../../../src/model/parsed.ts';
import type { RouteRow } from '../../../src/model/report.ts';
import { planFor } from '../../../src/reconcile/reconciler.ts';
import { routeRows } from '../../../src/reconcile/report.ts';
import { strangeRoute } from '../../support/reconciler.ts';
import { docker0, sceneOf, underlay } from '../../support/scene.ts';
import { leaseOf, mac, nodeLease } from '../../support/values.ts';

const SCENE = sceneOf({ Backend: { Type: 'vxlan' } });
const vxlan = (number: number) => ({ type: 'vxlan', vni: 1, mac: mac(`02:00:00:00:00:0${number}`) }) as const;

async function rig(leases: readonly Lease[], scene: Scene = SCENE) {
  const kernel = memoryKernel();
  for (const object of underlay(1)) kernel.foreign(object);
  const byKey = new Map(leases.map((lease) => [lease.etcd.key, lease]));
  const ownKey = leases.find(({ nodeName }) => nodeName === 'n1')?.etcd.key;
  const peers = new Map([...byKey].filter(([key]) => key !== ownKey));
  const rows = async (rejections: ReadonlyMap<string, Rejection> = new Map()) => {
    const seen = await kernel.observe({ paths: [], sysctls: [] });
    return routeRows({ scene, ownKey, leases: byKey, rejections, seen });
  };
  const apply = async () => kernel.apply(await planFor(kernel, scene, peers));
  return { kernel, rows, apply };
}

const short = ({ subnet, node, state, device, nextHop, detail }: RouteRow): string =>
  [subnet, node, state, device, nextHop, detail].filter((part) => part !== undefined).join(' ');

describe('routes: etcd and kernel joined', () => {
  const own = nodeLease('10.5.1.0/24', 1, vxlan(1));

  it('each lease by subnet: this node, reached, not there yet', async () => {
    const { rows, apply, kernel } = await rig([
      nodeLease('10.5.10.0/24', 3, vxlan(3)),
      nodeLease('10.5.2.0/24', 2, vxlan(2)),
      own,
    ]);
    assert.deepEqual(
      (await rows()).map(({ state }) => state),
      ['this node', 'missing', 'missing'],
    );
    await apply();
    kernel.removeBehindBack('fdb/flannel.1/02:00:00:00:00:03');
    assert.deepEqual((await rows()).map(short), [
      '10.5.1.0/24 n1 this node',
      '10.5.2.0/24 n2 ok flannel.1 10.200.0.2',
      '10.5.10.0/24 n3 missing flannel.1 10.200.0.3 create fdb/flannel.1/02:00:00:00:00:03',
    ]);
  });

  it('why one cannot be reached, and what another program has in its place', async () => {
    const flanneld = leaseOf('10.5.3.0/24', '{"PublicIP":"10.200.0.3","BackendType":"wireguard","BackendData":{}}');
    const { rows, apply, kernel } = await rig([own, nodeLease('10.5.2.0/24', 2, vxlan(2)), flanneld]);
    kernel.foreign(strangeRoute(2));
    await apply();
    const [, blocked, strange] = await rows();
    assert.deepEqual([blocked?.state, strange?.state, strange?.backend], ['blocked', 'unreachable', 'wireguard']);
    assert.match(blocked?.detail ?? '', /but proto 4 on eth0 has route 10\.5\.2\.0\/24/);
    assert.match(strange?.detail ?? '', /it speaks wireguard, not vxlan/);
  });

  it('foreign routes into the network, but docker0’s to our own subnet, and what was refused', async () => {
    const { rows, apply, kernel } = await rig([own]);
    for (const object of docker0('10.5.1.0/24')) kernel.foreign(object);
    kernel.foreign(strangeRoute(9));
    await apply();
    const key = '/coreos.com/network/subnets/10.5.7.0-24';
    const list = await rows(new Map([[key, { code: 'NOT_JSON', where: key, detail: 'x' }]]));
    assert.deepEqual(list.map(short), [
      '10.5.1.0/24 n1 this node',
      '10.5.9.0/24 - foreign eth0 not in etcd: proto 4 on eth0',
      '10.5.7.0-24 - rejected NOT_JSON: x',
    ]);
  });
});
