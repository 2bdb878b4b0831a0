import { ask } from '../control/client.ts';
import type { PlanStep } from '../control/protocol.ts';
import { planAnswer } from '../daemon/doors.ts';
import type { DaemonEvidence, InterfaceEvidence, Looked, NetworkEvidence } from '../doctor/evidence.ts';
import type { EtcdLook } from '../doctor/gather/etcd.ts';
import { look } from '../doctor/gather/looked.ts';
import { livingPid } from '../files/run-dir.ts';
import { readView } from '../files/view-file.ts';
import type { Kernel, KernelState } from '../kernel/state.ts';
import { usageOf } from '../lease/choose.ts';
import { printIp } from '../model/address.ts';
import { parseSubnetEnv } from '../model/subnet-env.ts';
import { planFor } from '../reconcile/reconciler.ts';
import type { KeyValue } from '../store/kv.ts';
import { networkIn } from '../store/network.ts';
import { createView } from '../store/view.ts';
import { chooseInterface } from './interface.ts';
import { makeHost, type NodeWish } from './node.ts';

/** Where this node's memory is, and flannel's keys. */
interface Place {
  readonly stateDir: string;
  readonly prefix: string;
}

/** What etcd says; where it does not answer, what this node saw of it last. */
async function keysOf(
  etcd: Looked<EtcdLook>,
  { stateDir, prefix }: Place,
): Promise<{ readonly kvs: readonly KeyValue[]; readonly savedAt?: string }> {
  const kvs = 'seen' in etcd ? etcd.seen.kvs : etcd;
  if ('seen' in kvs) return { kvs: kvs.seen };
  const saved = await readView(stateDir);
  if (!saved?.ok || saved.value.prefix !== prefix) throw new Error(kvs.unseen);
  return { kvs: saved.value.kvs, savedAt: saved.value.savedAt };
}

/** The network and its leases, judged as every node judges them. */
export async function networkEvidence(etcd: Looked<EtcdLook>, place: Place, nodeId: string): Promise<NetworkEvidence> {
  const { prefix } = place;
  const { kvs, savedAt } = await keysOf(etcd, place);
  const network = networkIn(kvs, prefix);
  const view = createView(prefix, network);
  view.reset(kvs);
  const leases = view.leases();
  const own = [...leases.values()].find((lease) => lease.nodeId === nodeId);
  const time = 'seen' in etcd ? etcd.seen.time : undefined;
  return {
    ...{ network, leases, rejections: view.rejections(), usage: usageOf(network, leases.values()), nodeId },
    ...(own && { own }),
    ...(time && { time }),
    ...(savedAt !== undefined && { savedAt }),
  };
}

/** The flags, and for what they leave open what a daemon that runs (or ran) was told. */
export function inferWish(
  wish: NodeWish,
  daemon: DaemonEvidence,
  network: Looked<NetworkEvidence>,
  subnetEnv: string | undefined,
): NodeWish {
  const env = subnetEnv === undefined ? undefined : parseSubnetEnv(subnetEnv, 'subnet.env');
  const own = 'seen' in network ? network.seen.own : undefined;
  const publicIp = wish.publicIp ?? own?.publicIp;
  const status = 'seen' in daemon.status ? daemon.status.seen : undefined;
  const named =
    wish.interface.iface.length > 0
      ? wish.interface.iface
      : status
        ? [status.interface]
        : publicIp
          ? [printIp(publicIp)]
          : [];
  return {
    ...wish,
    interface: { ...wish.interface, iface: named },
    ipMasq: wish.ipMasq || (env?.ok === true && env.value.ipMasq),
    ...(publicIp && { publicIp }),
  };
}

/** The interface that `up` would take. Throws where there is none, or more than one could be meant. */
export function interfaceEvidence(state: KernelState, { interface: wish }: NodeWish): InterfaceEvidence {
  const choice = chooseInterface(state, wish);
  if ('found' in choice) return choice.found;
  throw new Error(`more than one could be meant: ${choice.ambiguous.map(({ name }) => name).join(', ')}`);
}

/** The steps to the wanted state, worked out here: for when the daemon does not say. Rejects where this node has no lease. */
export async function ownPlan(kernel: Kernel, { network, own, leases, nodeId }: NetworkEvidence, wish: NodeWish) {
  if (!own) throw new Error('this node has no lease');
  const host = await makeHost(kernel, wish, nodeId);
  const peers = new Map([...leases].filter(([key]) => key !== own.etcd.key));
  return planAnswer(await planFor(kernel, { self: { subnet: own.subnet }, host, network }, peers)).steps;
}

/** One daemon that hangs is not waited for. */
const ASK_MS = 1_000;

export interface DaemonLook extends DaemonEvidence {
  readonly plan: Looked<readonly PlanStep[]>;
}

/** What the daemon says of itself. */
export async function daemonEvidence(runDir: string): Promise<DaemonLook> {
  const [pid, ping, status, routes, plan] = await Promise.all([
    livingPid(runDir),
    look(() => ask(runDir, 'ping', ASK_MS)),
    look(() => ask(runDir, 'status', ASK_MS)),
    look(() => ask(runDir, 'routes', ASK_MS)),
    look(async () => (await ask(runDir, 'plan', ASK_MS)).steps),
  ]);
  return { ping, status, routes, plan, ...(pid !== undefined && { pid }) };
}
