import { askIfRunning, askIfUp } from '../control/client.ts';
import type { Check, DaemonStatus, PlanStep } from '../control/protocol.ts';
import { readJournal } from '../docker/journal.ts';
import { readIfThere } from '../files/atomic.ts';
import type { Kernel, Kind } from '../kernel/state.ts';
import { type Prefix, parsePrefix, printPrefix } from '../model/address.ts';
import { type StatusReport, worstOf } from '../model/report.ts';
import { parseSubnetEnv } from '../model/subnet-env.ts';
import type { Store } from '../store/store.ts';
import { type DoctorFlags, doctorNow } from './doctor.ts';
import type { LookOptions } from './look.ts';
import { lookOptions } from './look-options.ts';
import { openStoreAt, plainKernel } from './node.ts';
import { observeInterfaces } from './scene.ts';

const check = (name: string, state: Check['state'], detail: string): Check => ({ name, state, detail });

/** etcd and the config in it, asked by ourselves: for when no daemon tells. */
async function etcdChecks({ connection }: LookOptions): Promise<Check[]> {
  let store: Store | undefined;
  try {
    store = await openStoreAt(connection);
    const config = await store.config();
    const etcd = check('etcd', 'ok', connection.kv.endpoints.join(', '));
    if (!config) return [etcd, check('config', 'degraded', `none at ${connection.prefix}/config`)];
    const { parsed } = config;
    return [
      etcd,
      parsed.ok
        ? check('config', 'ok', `${printPrefix(parsed.value.network)}, ${parsed.value.backend.type}`)
        : check('config', 'degraded', `not valid: ${parsed.rejection.where}: ${parsed.rejection.detail}`),
    ];
  } catch (error) {
    return [check('etcd', 'down', error instanceof Error ? error.message : String(error))];
  } finally {
    store?.close();
  }
}

/** Which row of `status` an object of the plan belongs to; files have one of their own. */
const ROW_OF: Readonly<Record<Kind, 'device' | 'routes' | 'rules' | undefined>> = {
  ...{ link: 'device', address: 'device', carrier: 'device' },
  ...{ route: 'routes', neighbour: 'routes', fdb: 'routes', forward: 'routes' },
  ...{ chain: 'rules', jump: 'rules', guard: 'rules', source: 'rules', sysctl: 'rules' },
  file: undefined,
};

/** The kernel against what the node wants, as rows: what is open was not mended yet, or cannot be. */
function kernelChecks(steps: readonly PlanStep[]): Check[] {
  return (['device', 'routes', 'rules'] as const).map((name) => {
    const open = steps.filter(({ kind }) => ROW_OF[kind] === name);
    const [first] = open;
    if (!first) return check(name, 'ok', 'as wanted');
    const more = open.length > 1 ? `, and ${open.length - 1} more` : '';
    return check(name, 'degraded', `${first.action} ${first.object}${more}`);
  });
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

/** A host without Docker is well; one whose Docker was given the subnet has a docker0, unless that was deleted or dockerd is down. */
async function withoutDocker0(stateDir: string): Promise<Check> {
  // Who may not read the journal is told no more.
  const journal = await readJournal(stateDir).catch(() => undefined);
  return journal === undefined
    ? check('docker0', 'ok', 'no docker0 here')
    : check('docker0', 'degraded', 'there is none, and containers need it: run tsflannel docker apply');
}

/** docker0 in the leased subnet. */
async function dockerCheck(kernel: Kernel, subnet: Prefix, stateDir: string): Promise<Check> {
  const seen = [...(await observeInterfaces(kernel)).values()].map(({ object }) => object);
  if (!seen.some((object) => object.kind === 'link' && object.name === 'docker0')) return withoutDocker0(stateDir);
  const right = seen.some(
    (object) => object.kind === 'address' && object.device === 'docker0' && object.ip.value === subnet.address + 1n,
  );
  return right
    ? check('docker0', 'ok', 'has the leased subnet')
    : check('docker0', 'degraded', 'is not in the leased subnet: run tsflannel docker apply');
}

async function hostChecks({ wish, stateDir }: LookOptions, status: DaemonStatus): Promise<Check[]> {
  const subnet = parsePrefix(status.subnet);
  if (!subnet) return [];
  const kernel = await plainKernel();
  try {
    return [await envCheck(wish.subnetFile, subnet), await dockerCheck(kernel, subnet, stateDir)];
  } finally {
    await kernel.close();
  }
}

/** One that is stopped or hangs is as good as none; it is not waited for longer than this. */
const PING_MS = 2_000;

/**
 * Daemon, etcd, config, lease, device, routes, rules, subnet.env, docker0 and peers looked at together; the worst of them is the node's
 * state.
 */
export async function statusNow(options: LookOptions): Promise<StatusReport> {
  const ping = await askIfRunning(options.runDir, 'ping', PING_MS);
  const daemon = ping && (await askIfUp(options.runDir, 'status'));
  if (!daemon) {
    const detail = ping
      ? `pid ${ping.pid} is not up yet: ${ping.waitingFor ?? 'a moment'}`
      : `none answers in ${options.runDir}: run tsflannel up`;
    return { state: 'down', checks: [check('daemon', 'down', detail), ...(await etcdChecks(options))] };
  }
  const { checks: own, ...node } = daemon;
  const daemonCheck = check(
    'daemon',
    daemon.ready ? 'ok' : 'degraded',
    daemon.ready ? `pid ${daemon.pid}` : `pid ${daemon.pid}, not ready yet`,
  );
  const [plan, host] = await Promise.all([askIfUp(options.runDir, 'plan'), hostChecks(options, daemon)]);
  const checks = [daemonCheck, ...own, ...kernelChecks(plan?.steps ?? []), ...host];
  return { state: worstOf(checks), checks, node };
}

/** Checks of doctor's that say what stops packets on this host, and ask nobody else. */
const HERE = [
  ...['flanneld', 'overlap', 'port', 'public-ip-unique', 'node-id-unique', 'backends'],
  ...['forward', 'forward-nft', 'port-in', 'port-out', 'docker-raw', 'docker-networks'],
];

async function hereCheck(flags: DoctorFlags): Promise<Check> {
  const [first, ...others] = (await doctorNow(flags, HERE, true)).filter(({ result }) => result === 'fail');
  if (!first) return check('host', 'ok', 'nothing else here is seen to stop packets');
  const more = others.length > 0 ? `, and ${others.length} more` : '';
  return check('host', 'degraded', `${first.id}: ${first.evidence}${more}`);
}

/** {@link statusNow}, and of a node that is up what else on this host stops packets: slower, for one look. Throws USAGE. */
export async function statusWhole(flags: DoctorFlags): Promise<StatusReport> {
  const options = await lookOptions(flags);
  const [report, here] = await Promise.all([statusNow(options), hereCheck(flags)]);
  if (!report.node) return report;
  const checks = [...report.checks, here];
  return { ...report, state: worstOf(checks), checks };
}
