import { askIfRunning, askIfUp } from '../control/client.ts';
import type { Check, DaemonStatus } from '../control/protocol.ts';
import { readIfThere } from '../files/atomic.ts';
import type { Kernel } from '../kernel/state.ts';
import { type Prefix, parsePrefix } from '../model/address.ts';
import { type StatusReport, worstOf } from '../model/report.ts';
import { parseSubnetEnv } from '../model/subnet-env.ts';
import type { Store } from '../store/store.ts';
import type { LookOptions } from './look.ts';
import { openStoreAt, plainKernel } from './node.ts';
import { observeInterfaces } from './scene.ts';

const check = (name: string, state: Check['state'], detail: string): Check => ({ name, state, detail });

async function etcdCheck({ connection }: LookOptions): Promise<Check> {
  let store: Store | undefined;
  try {
    store = await openStoreAt(connection);
    const config = await store.config();
    if (!config) return check('etcd', 'degraded', `answers, but has no network config at ${connection.prefix}/config`);
    return config.parsed.ok
      ? check('etcd', 'ok', connection.kv.endpoints.join(', '))
      : check('etcd', 'degraded', 'the network config is not valid');
  } catch (error) {
    return check('etcd', 'down', error instanceof Error ? error.message : String(error));
  } finally {
    store?.close();
  }
}

async function envCheck(path: string, subnet: Prefix): Promise<Check> {
  const text = await readIfThere(path);
  if (text === undefined) return check('subnet.env', 'degraded', `${path} is missing`);
  const env = parseSubnetEnv(text, path);
  if (!env.ok) return check('subnet.env', 'degraded', `${path}: ${env.rejection.detail}`);
  const fits = env.value.subnet.ip.value === subnet.address + 1n;
  return fits
    ? check('subnet.env', 'ok', path)
    : check('subnet.env', 'degraded', `${path} names another subnet than the lease`);
}

/** docker0 in the leased subnet; a host without docker0 is well too. */
async function dockerCheck(kernel: Kernel, subnet: Prefix): Promise<Check> {
  const seen = [...(await observeInterfaces(kernel)).values()].map(({ object }) => object);
  if (!seen.some((object) => object.kind === 'link' && object.name === 'docker0'))
    return check('docker0', 'ok', 'no docker0 here');
  const right = seen.some(
    (object) => object.kind === 'address' && object.device === 'docker0' && object.ip.value === subnet.address + 1n,
  );
  return right
    ? check('docker0', 'ok', 'has the leased subnet')
    : check('docker0', 'degraded', 'is not in the leased subnet: run tsflannel docker apply');
}

async function hostChecks({ wish }: LookOptions, status: DaemonStatus): Promise<Check[]> {
  const subnet = parsePrefix(status.subnet);
  if (!subnet) return [];
  const kernel = await plainKernel();
  try {
    return [await envCheck(wish.subnetFile, subnet), await dockerCheck(kernel, subnet)];
  } finally {
    await kernel.close();
  }
}

/** Daemon, etcd, lease, kernel, subnet.env and docker0 looked at together; the worst of them is the node's state. */
export async function statusNow(options: LookOptions): Promise<StatusReport> {
  const ping = await askIfRunning(options.runDir, 'ping');
  const daemon = ping && (await askIfUp(options.runDir, 'status'));
  if (!daemon) {
    const detail = ping
      ? `pid ${ping.pid} is not up yet: ${ping.waitingFor ?? 'a moment'}`
      : `none answers in ${options.runDir}: run tsflannel up`;
    return { state: 'down', checks: [check('daemon', 'down', detail), await etcdCheck(options)] };
  }
  const { checks: own, ...node } = daemon;
  const daemonCheck = check(
    'daemon',
    daemon.ready ? 'ok' : 'degraded',
    daemon.ready ? `pid ${daemon.pid}` : `pid ${daemon.pid}, not ready yet`,
  );
  const checks = [daemonCheck, ...own, ...(await hostChecks(options, daemon))];
  return { state: worstOf(checks), checks, node };
}
