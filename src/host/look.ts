import type { Scene } from '../backend/desired.ts';
import { askIfUp } from '../control/client.ts';
import type { Requests } from '../control/protocol.ts';
import { inherit } from '../daemon/adopt.ts';
import { planAnswer } from '../daemon/doors.ts';
import { TsflannelError } from '../errors.ts';
import { readNodeState } from '../files/node-state.ts';
import type { Kernel } from '../kernel/state.ts';
import { chooseIn } from '../lease/acquire.ts';
import { usageOf } from '../lease/choose.ts';
import type { Prefix } from '../model/address.ts';
import type { RouteRow } from '../model/report.ts';
import { queryOf, withFacts } from '../reconcile/pass.ts';
import { planFor } from '../reconcile/reconciler.ts';
import { routeRows } from '../reconcile/report.ts';
import { networkIn } from '../store/network.ts';
import type { Store } from '../store/store.ts';
import { createView, type View } from '../store/view.ts';
import type { Connection } from './connection.ts';
import { makeHost, type NodeWish, openStoreAt, plainKernel } from './node.ts';

/** A look at node and cluster without a daemon: etcd read once, the kernel observed by ourselves. */
interface Look {
  readonly store: Store;
  readonly kernel: Kernel;
  readonly view: View;
  readonly scene: Scene;
  readonly ownKey: string | undefined;
}

/** What a look needs to know; the same flags as `up` has. */
export interface LookOptions {
  readonly connection: Connection;
  readonly wish: NodeWish;
  readonly stateDir: string;
  readonly runDir: string;
  /** As `up --adopt` would. */
  readonly adopt?: boolean;
}

/** The subnet `up` would hold now: our lease, or the first one it would try. */
function wouldHold(
  view: View,
  scene: Omit<Scene, 'self'>,
  remembered: readonly Prefix[],
): { subnet: Prefix; key?: string } {
  const { nodeId, publicIp } = scene.host;
  const choice = chooseIn(view, { network: scene.network, nodeId, publicIp, remembered, random: () => 0 });
  if (choice.kind === 'own') return { subnet: choice.lease.subnet, key: choice.lease.etcd.key };
  const [subnet] = choice.kind === 'free' ? choice.subnets : [];
  if (!subnet) throw new TsflannelError('NO_FREE_SUBNET', { network: 'the network', count: view.leases().size });
  return { subnet };
}

async function look({ wish, stateDir }: LookOptions, kernel: Kernel, store: Store): Promise<Look> {
  const node = await readNodeState(stateDir);
  const { kvs } = await store.snapshot();
  const network = networkIn(kvs, store.prefix);
  const view = createView(store.prefix, network);
  view.reset(kvs);
  const host = await makeHost(kernel, { ...wish, ...(node.vtep && { vtep: node.vtep }) }, node.nodeId);
  const { subnet, key } = wouldHold(view, { host, network }, node.subnet ? [node.subnet] : []);
  return { store, kernel, view, scene: { self: { subnet }, host, network }, ownKey: key };
}

async function withLook<T>(options: LookOptions, use: (seen: Look) => Promise<T>): Promise<T> {
  const [kernel, store] = await Promise.all([plainKernel(), openStoreAt(options.connection)]);
  try {
    return await use(await look(options, kernel, store));
  } finally {
    store.close();
    await kernel.close();
  }
}

/** What would change on this host: the daemon is asked; without one it is worked out here. */
export async function planNow(options: LookOptions): Promise<Requests['plan'] & { readonly daemon: boolean }> {
  const answer = await askIfUp(options.runDir, 'plan');
  if (answer) return { ...answer, daemon: true };
  return withLook(options, async ({ kernel, scene, view, ownKey }) => {
    const peers = new Map([...view.leases()].filter(([key]) => key !== ownKey));
    const { kernel: seen, vtep } = await inherit(options, { ...scene, kernel }, () => false);
    const heir = vtep ? { ...scene, host: { ...scene.host, vtep } } : scene;
    return { ...planAnswer(await planFor(seen, heir, peers)), daemon: false };
  });
}

async function rowsHere(options: LookOptions): Promise<Requests['routes']> {
  return withLook(options, async ({ kernel, scene, view, ownKey }) => {
    const seen = await kernel.observe(queryOf(scene));
    const rejections = view.rejections();
    const [facts, leases] = [await withFacts(kernel, scene, seen), view.leases()];
    return {
      rows: await routeRows({ scene: facts, ownKey, leases, rejections, seen }),
      usage: usageOf(scene.network, leases.values()),
    };
  });
}

/** More leases than this and their times are left out: one request each. */
const MAX_TIMES = 1_000;

async function withTimes(rows: readonly RouteRow[], connection: Connection): Promise<readonly RouteRow[]> {
  if (rows.length > MAX_TIMES) return rows;
  const { openKv } = await import('./kv.ts');
  const kv = await openKv(connection.kv, process.env.TSFLANNEL_ETCD_CLIENT);
  try {
    return await Promise.all(
      rows.map(async (row) => {
        if (row.leaseId === undefined || row.leaseId === '0') return row;
        const { left, granted } = await kv.timeToLive(BigInt(row.leaseId));
        return left < 0 ? row : { ...row, left, age: granted - left };
      }),
    );
  } catch {
    return rows;
  } finally {
    kv.close();
  }
}

/** etcd and kernel joined, with the leases' times where etcd answers. */
export async function routesNow(options: LookOptions): Promise<Requests['routes'] & { readonly daemon: boolean }> {
  const answer = await askIfUp(options.runDir, 'routes');
  const { rows, usage } = answer ?? (await rowsHere(options));
  return { rows: await withTimes(rows, options.connection), usage, daemon: answer !== undefined };
}
