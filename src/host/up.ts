import { ask } from '../control/client.ts';
import type { DaemonStatus } from '../control/protocol.ts';
import { runDaemon } from '../daemon/daemon.ts';
import { prepareFolders } from '../daemon/disk.ts';
import type { DaemonParts, LeaseFollower } from '../daemon/node.ts';
import type { NodeOptions } from '../daemon/options.ts';
import { refuseSecond } from '../daemon/second.ts';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { logPath } from '../files/run-dir.ts';
import type { Spare } from '../forwarder/thread.ts';
import { parseIp, printIp } from '../model/address.ts';
import { parseDuration } from '../model/duration.ts';
import type { LogLevel } from '../model/log-events.ts';
import { carryOn, threadForLeft } from './carry-on.ts';
import { resolveConnection } from './connection.ts';
import { detach, reportToParent } from './detach.ts';
import { refuseKube, refuseRunningFlanneld } from './flanneld.ts';
import type { Underlay } from './interface.ts';
import { createLogLevel, isJournal, logFormat, logTo } from './log.ts';
import { buildParts, carrierWish, flagIp, flagList, forwardingKernel, type NodeWish } from './node.ts';
import { keepRenewed } from './renewal.ts';

/** The flags of `up`, as oclif hands them over. */
export interface UpFlags
  extends Readonly<
    Record<
      `etcd-${'endpoints' | 'prefix' | 'cafile' | 'certfile' | 'keyfile' | 'username' | 'password'}`,
      string | undefined
    >
  > {
  readonly 'config-dir': string;
  readonly 'state-dir': string;
  readonly 'run-dir': string;
  readonly 'subnet-file': string;
  readonly iface?: readonly string[] | undefined;
  readonly 'iface-regex'?: readonly string[] | undefined;
  readonly 'iface-can-reach'?: string | undefined;
  readonly 'public-ip'?: string | undefined;
  readonly 'node-name'?: string | undefined;
  readonly 'ip-masq'?: boolean | undefined;
  readonly 'ip-masq-fully-random-disable'?: boolean | undefined;
  readonly 'iptables-forward-rules'?: boolean | undefined;
  readonly adopt?: boolean | undefined;
  readonly 'udp-carrier'?: string | undefined;
  readonly 'lease-ttl'?: string | undefined;
  readonly 'ask-peers-every': string;
  readonly 'subnet-lease-renew-margin': number;
  readonly 'healthz-ip': string;
  readonly 'healthz-port': number;
  readonly 'metrics-addr'?: string | undefined;
  readonly 'log-format': string;
  readonly 'log-level': string;
  readonly wait?: boolean | undefined;
  readonly docker?: boolean | undefined;
  readonly 'docker-config-file'?: string | undefined;
  readonly 'docker-socket'?: string | undefined;
  readonly timeout: number;
  /** Those that ask for Kubernetes. */
  readonly [flag: string]: unknown;
}

type ChooseName = (choices: readonly { readonly name: string; readonly value: Underlay }[]) => Promise<Underlay>;

/** flannel's 24 hours. */
const TTL_SECONDS = 86_400;

function wishOf(flags: UpFlags, choose: ChooseName | undefined): NodeWish {
  const publicIp = flagIp('public-ip', flags['public-ip']);
  const canReach = flagIp('iface-can-reach', flags['iface-can-reach']);
  return {
    interface: {
      iface: flagList(flags.iface),
      ifaceRegex: flagList(flags['iface-regex']),
      ...(canReach && { ifaceCanReach: canReach }),
    },
    ipMasq: flags['ip-masq'] ?? false,
    randomFully: flags['ip-masq-fully-random-disable'] !== true,
    forwardRules: flags['iptables-forward-rules'] ?? true,
    ...carrierWish(flags),
    subnetFile: flags['subnet-file'],
    ...(publicIp && { publicIp }),
    ...(flags['node-name'] !== undefined && { nodeName: flags['node-name'] }),
    ...(choose && {
      choose: (candidates) =>
        choose(candidates.map((value) => ({ name: `${value.name} (${printIp(value.ip)})`, value }))),
    }),
  };
}

const TTL_BOUNDS = { min: 5, max: 365 * 86_400 };

/** Seconds of --lease-ttl. Throws USAGE. */
function ttlOf(text: string | undefined): number {
  const seconds = text === undefined ? TTL_SECONDS : parseDuration(text);
  if (seconds !== undefined && seconds >= TTL_BOUNDS.min && seconds <= TTL_BOUNDS.max) return seconds;
  throw new TsflannelError('USAGE', { detail: `--lease-ttl ${text}: from 5s to 365d, as in 90s, 45m, 24h` });
}

const ASK_BOUNDS = { min: 1, max: 3600 };

/** Milliseconds of --ask-peers-every; 0 for `off`. Throws USAGE. */
function askEveryOf(text: string): number {
  const seconds = text === 'off' ? 0 : parseDuration(text);
  if (seconds === 0 || (seconds !== undefined && seconds >= ASK_BOUNDS.min && seconds <= ASK_BOUNDS.max))
    return seconds * 1000;
  throw new TsflannelError('USAGE', { detail: `--ask-peers-every ${text}: off, or from 1s to 1h, as in 5s` });
}

/** Of --metrics-addr: `PORT`, `IP:PORT` or `[IP6]:PORT`. Throws USAGE. */
export function metricsAt(text: string | undefined): NodeOptions['metrics'] {
  if (text === undefined || text === '') return undefined;
  const [, v6, v4 = '127.0.0.1', digits] = /^(?:\[([\da-fA-F:.]+)\]:|([\d.]+):)?(\d{1,5})$/.exec(text) ?? [];
  const [ip, port] = [parseIp(v6 ?? v4), Number(digits)];
  if (!ip || (v6 !== undefined && ip.family === 4) || !(port > 0 && port <= 65_535))
    throw new TsflannelError('USAGE', { detail: `--metrics-addr ${text}: PORT or ADDRESS:PORT, as 127.0.0.1:9101` });
  return { ip: printIp(ip), port };
}

function optionsOf(flags: UpFlags, wish: NodeWish, version: string): NodeOptions {
  const detached = process.env.TSFLANNEL_DETACHED === '1';
  const metrics = metricsAt(flags['metrics-addr']);
  return {
    stateDir: flags['state-dir'],
    runDir: flags['run-dir'],
    subnetFile: wish.subnetFile,
    ipMasq: wish.ipMasq,
    ttlSeconds: ttlOf(flags['lease-ttl']),
    keepTtl: flags['lease-ttl'] === undefined,
    renewMarginMinutes: flags['subnet-lease-renew-margin'],
    ...(flags.adopt && { adopt: true }),
    patient: flags.wait ?? (!detached && process.stdin.isTTY !== true),
    askPeersEveryMs: askEveryOf(flags['ask-peers-every']),
    version,
    ...(wish.publicIp && { publicIp: wish.publicIp }),
    ...(metrics && { metrics }),
    ...(flags['healthz-port'] > 0 && { healthz: { ip: flags['healthz-ip'], port: flags['healthz-port'] } }),
  };
}

/** The daemon's log goes to stderr. */
const logOf = (flags: UpFlags, level: () => LogLevel): DaemonParts['log'] =>
  logTo(
    (line) => process.stderr.write(line),
    logFormat(flags['log-format'], isJournal(process.env.JOURNAL_STREAM, process.stderr.fd)),
    level,
  );

/** Loaded only where it is asked for. */
async function followerOf(flags: UpFlags, parts: DaemonParts): Promise<LeaseFollower> {
  const { dockerFollower } = await import('./docker-follower.ts');
  return dockerFollower(parts, {
    stateDir: flags['state-dir'],
    subnetFile: flags['subnet-file'],
    configFile: flags['docker-config-file'],
    socket: flags['docker-socket'],
  });
}

/** The first pass is over by then. */
const SHRINK_AFTER_MS = 2_000;

/** Runs the daemon in this process until it is told to stop. */
export async function startHere(flags: UpFlags, version: string, choose: ChooseName | undefined): Promise<void> {
  let spare: Spare | undefined;
  try {
    refuseKube(flags);
    spare = threadForLeft();
    if (flags.adopt) await refuseRunningFlanneld();
    const wish = wishOf(flags, choose);
    const options = optionsOf(flags, wish, version);
    const connection = await resolveConnection(flags);
    const local = await forwardingKernel(spare?.take);
    // Before all that takes time to load.
    await carryOn(local, { options, wish, prefix: connection.prefix });
    const { keepHeapSmall, shrinkHeap } = await import('../sys/heap.ts');
    keepHeapSmall();
    const level = createLogLevel(flags['log-level'] as LogLevel);
    const log = logOf(flags, level.now);
    const deafen = level.listen(log);
    const parts = await buildParts({ connection, wish, log }, local);
    const docker = flags.docker ? await followerOf(flags, parts) : undefined;
    const endRenewal = keepRenewed(flags['config-dir'], parts.log);
    await runDaemon(options, { ...parts, ...(docker && { docker }) }, () => {
      spare?.end();
      reportToParent({ ready: true });
      setTimeout(shrinkHeap, SHRINK_AFTER_MS).unref();
    }).finally(() => {
      endRenewal();
      deafen();
    });
  } catch (error) {
    const { code, message, why, fix } = asTsflannelError(error);
    spare?.end();
    reportToParent({ ready: false, error: { code, message, why, fix } });
    throw error;
  }
}

/** A password on our own command line goes on by the environment: the daemon's command line stays for days. */
function withoutPassword(argv: readonly string[], flags: UpFlags): string[] {
  const password = flags['etcd-password'];
  if (password !== undefined) process.env.TSFLANNEL_ETCD_PASSWORD = password;
  return argv.filter((arg, i) => !/^--etcd-password(=|$)/.test(arg) && argv[i - 1] !== '--etcd-password');
}

/** Starts the daemon in the background; resolves with its status once it is ready. */
export async function startDetached(
  argv: readonly string[],
  flags: UpFlags,
): Promise<{ status: DaemonStatus; log: string }> {
  const runDir = flags['run-dir'];
  await refuseSecond(runDir);
  await prepareFolders({ stateDir: flags['state-dir'], runDir, subnetFile: flags['subnet-file'] });
  const rest = withoutPassword(argv, flags).filter((arg) => arg !== '--detach' && arg !== '--json');
  await detach(['up', ...rest], runDir, flags.timeout);
  return { status: await ask(runDir, 'status'), log: logPath(runDir) };
}
