import { dirname } from 'node:path';
import { askIfRunning } from '../control/client.ts';
import { TsflannelError } from '../errors.ts';
import { failPoint } from '../fail-point.ts';
import { readIfThere } from '../files/atomic.ts';
import { removeEmptyFolders } from '../files/folders.ts';
import { forgetNode, isKnownNode, type NodeState, readNodeState, writeNodeState } from '../files/node-state.ts';
import { clearRunDir, livingPid } from '../files/run-dir.ts';
import { removeUnfinished } from '../files/unfinished.ts';
import { forgetView } from '../files/view-file.ts';
import { diff } from '../kernel/diff.ts';
import { printPlan } from '../kernel/print.ts';
import type { Kernel, KernelState, ManagedFile, Plan, StepOutcome, Sysctl } from '../kernel/state.ts';
import { printPrefix } from '../model/address.ts';
import type { Clock } from '../model/clock.ts';
import type { Lease } from '../model/lease.ts';
import { parseSubnetEnv } from '../model/subnet-env.ts';
import type { KeyValue } from '../store/kv.ts';
import { parseLeaseKv } from '../store/lease-kv.ts';
import type { Store } from '../store/store.ts';
import { pause } from './pause.ts';

/** What `down` works on; `store` is opened only when there is a lease to release. */
export interface DownParts {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly openStore: () => Promise<Store>;
}

export interface DownOptions {
  readonly stateDir: string;
  readonly runDir: string;
  /** Forget the node id too. */
  readonly purge: boolean;
  readonly dryRun: boolean;
}

export interface DownResult {
  readonly plan: Plan;
  readonly outcomes: readonly StepOutcome[];
  /** The subnet given back; undefined when none was held, or etcd did not answer (then `leaseProblem` says so). */
  readonly released?: string;
  readonly leaseProblem?: string;
  readonly daemon?: number;
}

const STOP_MS = 30_000;
const FORWARD = 'net.ipv4.ip_forward';

/** Ends a running daemon and waits until its process is gone. Throws DAEMON_FAILED when it does not end. */
async function stopDaemon({ runDir }: DownOptions, clock: Clock): Promise<number | undefined> {
  const running = await askIfRunning(runDir, 'stop');
  const pid = running?.pid ?? (await livingPid(runDir));
  if (pid === undefined || !running) return undefined;
  const until = clock.now() + STOP_MS;
  while ((await livingPid(runDir)) === pid) {
    if (clock.now() > until) throw new TsflannelError('DAEMON_FAILED', { detail: `pid ${pid} does not end` });
    await pause(clock, 20);
  }
  return pid;
}

/** Our leases, whatever the config says by now: a changed network does not make them another's, and may have left us an old one. */
const ownLeases = (kvs: readonly KeyValue[], nodeId: string): { readonly kv: KeyValue; readonly lease: Lease }[] =>
  kvs.flatMap((kv) => {
    const parsed = parseLeaseKv(kv);
    return parsed.ok && parsed.value.nodeId === nodeId ? [{ kv, lease: parsed.value }] : [];
  });

/** A reservation (a key without TTL) stays the node's. */
async function release(store: Store, nodeId: string): Promise<string | undefined> {
  try {
    const released: string[] = [];
    for (const { kv, lease } of ownLeases((await store.snapshot()).kvs, nodeId)) {
      const { key, lease: leaseId, modRevision } = kv;
      if (leaseId !== 0n && (await store.release({ key, leaseId, modRevision })))
        released.push(printPrefix(lease.subnet));
    }
    return released.length > 0 ? released.join(', ') : undefined;
  } finally {
    store.close();
  }
}

/** subnet.env goes if it still says what we wrote; another program's stays. */
async function fileStep(node: NodeState): Promise<Plan> {
  const content = node.subnetFile === undefined ? undefined : await readIfThere(node.subnetFile);
  if (node.subnetFile === undefined || content === undefined) return [];
  const env = parseSubnetEnv(content, node.subnetFile);
  if (!env.ok || !node.subnet || env.value.subnet.ip.value !== node.subnet.address + 1n) return [];
  const object: ManagedFile = { kind: 'file', path: node.subnetFile, content, mode: 0o644 };
  return [{ action: 'remove', object, previous: object, because: 'this node gives its subnet back' }];
}

/** ip_forward goes back to 0 if `up` had set it, unless Docker, which needs it too, has a bridge here. */
function sysctlStep(node: NodeState, seen: KernelState): Plan {
  const now = seen.get(`sysctl/${FORWARD}`)?.object;
  if (node.ipForwardBefore !== '0' || now?.kind !== 'sysctl' || now.value === '0' || seen.has('link/docker0'))
    return [];
  const object: Sysctl = { kind: 'sysctl', name: FORWARD, value: '0' };
  return [{ action: 'replace', object, previous: now, because: 'it was 0 before the first up' }];
}

async function planDown(kernel: Kernel, node: NodeState): Promise<Plan> {
  const seen = await kernel.observe({ paths: [], sysctls: [FORWARD] });
  return [...(await fileStep(node)), ...diff([], seen), ...sysctlStep(node, seen)];
}

async function forget(options: DownOptions, node: NodeState): Promise<void> {
  await clearRunDir(options.runDir, { log: true });
  await forgetView(options.stateDir);
  if (options.purge) await forgetNode(options.stateDir);
  else
    await writeNodeState(options.stateDir, {
      nodeId: node.nodeId,
      created: node.created.filter((path) => options.stateDir.startsWith(path)),
    });
  const folders = [
    options.stateDir,
    options.runDir,
    ...(node.subnetFile === undefined ? [] : [dirname(node.subnetFile)]),
  ];
  await removeUnfinished(folders);
  await removeEmptyFolders(node.created);
}

async function releaseOrSay(parts: DownParts, nodeId: string): Promise<Pick<DownResult, 'released' | 'leaseProblem'>> {
  try {
    const released = await release(await parts.openStore(), nodeId);
    return released === undefined ? {} : { released };
  } catch (error) {
    return { leaseProblem: error instanceof Error ? error.message : String(error) };
  }
}

/** Stops the daemon, gives the lease back and removes what is ours; nothing else. A second run finds nothing to do. */
export async function runDown(options: DownOptions, parts: DownParts): Promise<DownResult> {
  const { stateDir, dryRun } = options;
  if (dryRun) return { plan: await planDown(parts.kernel, await readNodeState(stateDir)), outcomes: [] };
  const daemon = await stopDaemon(options, parts.clock);
  const known = await isKnownNode(stateDir);
  const node = await readNodeState(stateDir);
  const lease = known ? await releaseOrSay(parts, node.nodeId) : {};
  failPoint('lease-released');
  const plan = await planDown(parts.kernel, node);
  const outcomes = plan.length > 0 ? await parts.kernel.apply(plan) : [];
  const failed = outcomes.find(({ result }) => result === 'failed');
  if (failed) throw new TsflannelError('KERNEL_REFUSED', { detail: printPlan([failed.step]), why: failed.error ?? '' });
  failPoint('kernel-cleared');
  if (known) await forget(options, node);
  return { plan, outcomes, ...lease, ...(daemon !== undefined && { daemon }) };
}
