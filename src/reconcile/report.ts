import type { Reach } from '../backend/backend.ts';
import type { Scene } from '../backend/desired.ts';
import { diffing } from '../kernel/diff.ts';
import { type KernelState, keyOf, type Step } from '../kernel/state.ts';
import { overlaps, printIp, printPrefix, samePrefix } from '../model/address.ts';
import { backendName, type Lease } from '../model/lease.ts';
import type { Rejection } from '../model/parsed.ts';
import type { RouteRow } from '../model/report.ts';
import { eachSliced, inTurns } from '../model/sliced.ts';
import { createWants } from './wants.ts';

const leaseRow = (lease: Lease) => ({
  key: lease.etcd.key,
  subnet: printPrefix(lease.subnet),
  node: lease.nodeName ?? '-',
  publicIp: printIp(lease.publicIp),
  backend: backendName(lease.peer),
  leaseId: lease.etcd.leaseId,
});

const reachOf = (reach: Reach) => ({
  ...(reach.device !== undefined && { device: reach.device }),
  ...(reach.nextHop && { nextHop: printIp(reach.nextHop) }),
});

function judged(steps: readonly Step[], reach: Reach): Pick<RouteRow, 'state' | 'detail'> {
  if (reach.problem !== undefined) return { state: 'unreachable', detail: reach.problem };
  const blocked = steps.find(({ action }) => action === 'blocked');
  if (blocked) return { state: 'blocked', detail: blocked.because };
  const missing = steps[0];
  return missing ? { state: 'missing', detail: `${missing.action} ${keyOf(missing.object)}` } : { state: 'ok' };
}

/** Routes into the network that are neither ours nor on a bridge or device of this node's own containers. */
const foreignRows = ({ network, self }: Scene, seen: KernelState): RouteRow[] =>
  [...seen.values()].flatMap(({ object, ours, owner }) => {
    if (object.kind !== 'route' || ours || object.dst.length === 0 || !overlaps(network.network, object.dst)) return [];
    if (samePrefix(object.dst, self.subnet)) return [];
    return [
      {
        key: keyOf(object),
        subnet: printPrefix(object.dst),
        node: '-',
        publicIp: '-',
        backend: '-',
        state: 'foreign' as const,
        device: object.device,
        detail: `not in etcd: ${owner}`,
        ...(object.via && { nextHop: printIp(object.via) }),
      },
    ];
  });

const rejectedRow = ([key, rejection]: [string, Rejection]): RouteRow => ({
  key,
  subnet: rejection.where.slice(rejection.where.lastIndexOf('/') + 1),
  node: '-',
  publicIp: '-',
  backend: '-',
  state: 'rejected',
  detail: `${rejection.code}: ${rejection.detail}`,
});

/** What the rows are made of: the believed and the refused leases, and what the kernel shows. */
export interface ReportInput {
  readonly scene: Scene;
  readonly ownKey: string | undefined;
  readonly leases: ReadonlyMap<string, Lease>;
  readonly rejections: ReadonlyMap<string, Rejection>;
  readonly seen: KernelState;
}

/** All rows, by subnet; then foreign routes, then what was refused. */
export async function routeRows({
  scene,
  ownKey,
  leases,
  rejections,
  seen,
}: ReportInput): Promise<readonly RouteRow[]> {
  const all = [...leases].sort(([, a], [, b]) => (a.subnet.address < b.subnet.address ? -1 : 1));
  const wants = createWants();
  await inTurns(wants.rebuilding(scene, new Map(all.filter(([key]) => key !== ownKey))));
  const plan = await inTurns(diffing(await inTurns(wants.all()), seen, () => false));
  const steps = new Map(plan.map((step) => [keyOf(step.object), step]));
  const rows: RouteRow[] = [];
  const add = ([key, lease]: readonly [string, Lease]) => {
    const reach = wants.reach(key);
    const open = reach ? wants.keysOf(key).flatMap((name) => steps.get(name) ?? []) : [];
    const state = reach ? { ...reachOf(reach), ...judged(open, reach) } : { state: 'this node' as const };
    rows.push({ ...leaseRow(lease), ...state });
  };
  await inTurns(eachSliced(all, add));
  return [...rows, ...foreignRows(scene, seen), ...[...rejections].map(rejectedRow)];
}
