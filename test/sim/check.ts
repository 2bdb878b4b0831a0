import assert from 'node:assert/strict';
import type { Scene } from '../../src/backend/desired.ts';
import { runDown } from '../../src/daemon/down.ts';
import { sameObject, type Want } from '../../src/kernel/diff.ts';
import { memoryKernel } from '../../src/kernel/memory/memory.ts';
import { printObject } from '../../src/kernel/print.ts';
import { type KernelState, keyOf, type Observed } from '../../src/kernel/state.ts';
import { printIp, printPrefix } from '../../src/model/address.ts';
import type { Lease } from '../../src/model/lease.ts';
import { atOnce } from '../../src/model/sliced.ts';
import { routeRows } from '../../src/reconcile/report.ts';
import { createWants } from '../../src/reconcile/wants.ts';
import { networkIn } from '../../src/store/network.ts';
import { openStore } from '../../src/store/store.ts';
import { createView } from '../../src/store/view.ts';
import { NET } from '../support/kvs.ts';
import { addressOf, underlay } from '../support/scene.ts';
import type { SimNode } from './node.ts';
import type { World } from './world.ts';

/** What etcd says in the end, read by somebody who is no node. */
async function leasesIn({ etcd }: World): Promise<ReadonlyMap<string, Lease>> {
  const { kvs } = await etcd.client().range(`${NET}/`);
  const view = createView(NET, networkIn(kvs, NET));
  view.reset(kvs);
  return view.leases();
}

/** All that is ours on a host, and what is written over whoever it belongs to; nothing is missing, nothing is too much. */
function checkKernel(who: string, seen: KernelState, wants: readonly Want[]): void {
  const isManaged = ({ object, ours }: Observed) => ours || object.kind === 'file' || object.kind === 'sysctl';
  const there = [...seen].flatMap(([key, one]) => (isManaged(one) ? [key] : []));
  assert.deepEqual(there.sort(), wants.map(({ object }) => keyOf(object)).sort(), `${who} has what etcd asks for`);
  for (const { object } of wants) {
    const found = seen.get(keyOf(object))?.object;
    assert.ok(
      found && sameObject(object, found),
      `${who}: ${found && printObject(found)} should be ${printObject(object)}`,
    );
  }
}

function wanted(scene: Scene, peers: ReadonlyMap<string, Lease>): readonly Want[] {
  const wants = createWants();
  atOnce(wants.rebuilding(scene, peers));
  return atOnce(wants.all());
}

async function checkNode(node: SimNode, leases: ReadonlyMap<string, Lease>): Promise<void> {
  const who = `n${node.number}`;
  const daemon = node.node();
  assert.ok(daemon, `${who} is up`);
  assert.equal(daemon.holder.state(), 'held', who);
  const own = daemon.holder.current();
  const lease = leases.get(own.key);
  assert.equal(lease?.nodeName, who, `${who} holds ${own.key}`);
  assert.equal(printIp(lease.publicIp), addressOf(node.number), `${who} is told to be where it is`);
  const scene = daemon.reconciler.scene();
  assert.ok(scene && printPrefix(scene.self.subnet) === printPrefix(own.subnet), `${who} lives by its lease`);
  const peers = new Map([...leases].filter(([key]) => key !== own.key));
  const seen = await node.kernel.observe({ paths: ['/run/flannel/subnet.env'], sysctls: ['net.ipv4.ip_forward'] });
  checkKernel(who, seen, wanted(scene, peers));
  const rows = await routeRows({ scene, ownKey: own.key, leases, rejections: new Map(), seen });
  for (const row of rows)
    assert.ok(row.state === 'ok' || row.state === 'this node', `${who}: ${row.subnet} is ${row.state}: ${row.detail}`);
  assert.ok(daemon.ready, `${who} is ready`);
}

/** Every node once, no lease without a node. */
function checkLeases(world: World, leases: ReadonlyMap<string, Lease>): void {
  const names = [...leases.values()].map(({ nodeName }) => nodeName ?? '?').sort();
  assert.deepEqual(names, world.nodes.map(({ number }) => `n${number}`).sort());
}

/** A subnet changes only when it was lost. */
function checkSticky({ nodes, history }: World): void {
  for (const node of nodes) {
    const id = node.node()?.reconciler.scene()?.host.nodeId ?? '';
    const changes = history.subnetsOf(id).size - 1;
    assert.ok(
      changes <= history.lossesOf(id),
      `n${node.number} had ${changes + 1} subnets and lost ${history.lossesOf(id)}`,
    );
  }
}

/** No etcd lease is left behind. */
async function checkOrphans({ etcd, nodes }: World): Promise<void> {
  const last = await etcd.client().grant(5);
  let alive = 0;
  for (let id = 7_001n; id < last; id++) if ((await etcd.client().timeToLive(id)).left > 0) alive++;
  assert.equal(alive, nodes.length, 'as many etcd leases as nodes');
}

const NOWHERE = '/nonexistent/tsflannel-sim';

/** `down` leaves the host as it was before (its files are the disk's, and no matter of the fake kernel). */
async function checkDown({ number, kernel, crash }: SimNode, { clock, etcd }: World): Promise<void> {
  crash();
  const openNow = async () => openStore(etcd.client(), NET);
  const options = { stateDir: NOWHERE, runDir: NOWHERE, purge: false, dryRun: false };
  await runDown(options, { kernel, clock, openStore: openNow });
  const fresh = memoryKernel();
  for (const object of underlay(number)) fresh.foreign(object);
  const [left, before] = await Promise.all([kernel, fresh].map((one) => one.observe({ paths: [], sysctls: [] })));
  assert.deepEqual(left, before, `n${number} after down`);
}

/** What must hold when nothing goes wrong any more, and what must have held all the time. */
export async function checkEnd(world: World): Promise<void> {
  const leases = await leasesIn(world);
  assert.deepEqual(world.history.violations, []);
  assert.deepEqual(world.disputes, []);
  checkLeases(world, leases);
  for (const node of world.nodes) await checkNode(node, leases);
  checkSticky(world);
  await checkOrphans(world);
  for (const node of world.nodes) await checkDown(node, world);
}
