import { TsflannelError } from '../errors.ts';
import type { Questions } from '../model/questions.ts';
import { buildMember, conflict, fillRequest, type HostDefaults, missingFlags, warningsOf } from './choose.ts';
import { type DataDir, inspectDataDir } from './data-dir.ts';
import { newDiscoveryUrl } from './discovery.ts';
import { standing } from './join.ts';
import { founder, type Member } from './member.ts';
import type { ClusterStatus, OpenKv } from './members.ts';
import { pkiDirOf, readGivenCa } from './pki-files.ts';
import { checkPorts } from './ports.ts';
import { findEtcdOf } from './process.ts';
import { checkEtcd, findEtcd } from './program.ts';
import { byReach } from './reach.ts';
import { registrarOf } from './registrar.ts';
import { type InitRequest, type Security, securityFlags } from './request.ts';
import { withSrv } from './srv-request.ts';
import type { NewToken } from './tokens.ts';
import { checkSystemd, systemdRuns } from './unit.ts';
import type { Wish } from './wish.ts';
import { type Answers, askMissing } from './wizard.ts';

/** Everything `init` needs; paths are absolute. */
export interface InitOptions {
  readonly request: InitRequest;
  /** The network config to write once the cluster is healthy. */
  readonly network: string | undefined;
  /** Prefix of flannel's keys for client.json, where it was said. */
  readonly prefix?: string;
  /** A systemd unit is to run the supervisor. */
  readonly systemd?: boolean;
  /** The etcd program, absolute, where it was said; else the one in PATH. */
  readonly etcd?: string;
  /** How many members there are to be, where it was said. */
  readonly size?: number;
  readonly dataDir: string;
  /** Nobody said which data dir: it is asked for, too. */
  readonly openDir?: boolean;
  readonly runDir: string;
  readonly configDir: string;
  readonly yes: boolean;
  readonly waitSeconds: number;
  readonly path: string;
  readonly host: HostDefaults;
  readonly open: OpenKv;
  /** Opens the questions; absent where nobody can be asked. */
  readonly ask?: () => Promise<Questions>;
  readonly notice: (line: string) => void;
}

/** The member to run: the one that is there, or a new one and what it was made of. */
export interface Settled {
  readonly member: Member;
  readonly existing: boolean;
  readonly network: string | undefined;
  /** Absent for a member that was there. */
  readonly wish?: Wish;
  readonly security?: Security;
  /** How many members there are to be. */
  readonly size?: number;
  /** Questions were asked: the plan is shown before it is done. */
  readonly asked?: true;
}

export interface InitOutcome extends Settled {
  /** Whether anything was started or written. */
  readonly changed: boolean;
  readonly cluster: ClusterStatus | undefined;
  /** For the hosts to come, made by the first member once it is healthy. */
  readonly tokens?: readonly NewToken[];
}

/** The member at a data dir that may be gone on with. Throws ETCD_DATA_DIR or ETCD_DATA_LOST. */
export const usable = (found: DataDir, dir: string): Member | undefined => {
  if (found.state === 'foreign') throw new TsflannelError('ETCD_DATA_DIR', { dir, detail: found.detail });
  if (found.state === 'lost') throw new TsflannelError('ETCD_DATA_LOST', { dir, name: found.member.name });
  return found.state === 'empty' ? undefined : found.member;
};

async function fill(options: InitOptions): Promise<Answers & { readonly asked?: true }> {
  const { network, host, size, systemd, dataDir } = options;
  const open = { network, size, systemd, dataDir };
  if (options.ask && !options.yes) {
    const given = {
      request: options.request,
      ...open,
      canManage: await systemdRuns(),
      openDir: options.openDir === true,
    };
    return { ...(await askMissing(given, host, await options.ask())), asked: true };
  }
  const request = await withSrv(options.request);
  const wish = request.wish ?? { kind: 'alone' };
  const seen = { ...host, addresses: await byReach(host.addresses, wish) };
  if (options.yes) return { request: fillRequest(request, seen), ...open };
  const missing = missingFlags(request, seen, false);
  if (missing.length > 0) throw new TsflannelError('MISSING_FLAGS', { flags: missing.join('; ') });
  return { request: fillRequest(request, seen), ...open };
}

/** The service is asked for a URL here, so that everything after knows it; without `ask` the URL stays open (a dry run). */
async function withUrl(
  request: Required<InitRequest>,
  options: InitOptions,
  ask: boolean,
): Promise<Required<InitRequest>> {
  const { wish } = request;
  if (wish.kind !== 'new') return request;
  const url = ask ? await newDiscoveryUrl(wish.base, wish.size) : `${wish.base.replace(/\/+$/, '')}/TOKEN`;
  const others = ['tsflannel init', ...securityFlags(request.security), '--discovery', url].join(' ');
  if (ask) options.notice(`discovery URL: ${url} (run '${others}' on the other hosts)`);
  return { ...request, wish: { kind: 'discovery', url } };
}

function withOrigin(member: Member, wish: Wish): Member {
  if (wish.kind !== 'new' || member.bootstrap.kind !== 'discovery') return member;
  return { ...member, bootstrap: { ...member.bootstrap, asked: { base: wish.base, size: wish.size } } };
}

/** A member that ran by itself can be given to systemd, and another etcd program to each. */
export const managed = (
  member: Member,
  { systemd, etcd }: { readonly systemd?: boolean | undefined; readonly etcd?: string | undefined },
): Member => ({ ...member, ...(systemd && { systemd: true }), ...(etcd !== undefined && { etcd }) });

/**
 * Decides which member this call is about. `dry`: nothing is asked of the discovery service. Rejects with ETCD_DATA_DIR, ETCD_DATA_LOST,
 * MISSING_FLAGS, ADVERTISE_IP, USAGE and what the discovery service causes.
 */
export async function settle(options: InitOptions, dry: boolean): Promise<Settled> {
  const found = await inspectDataDir(options.dataDir);
  // Where somebody can be asked, a folder of somebody else's is no end.
  const asks = found.state === 'foreign' && options.openDir && options.ask && !options.yes;
  const member = asks ? undefined : usable(found, options.dataDir);
  if (member) {
    const contradiction = conflict(options.request, member);
    if (contradiction !== undefined) {
      const detail = `${contradiction}; run init without flags to go on with it, or 'tsflannel etcd stop --purge' to be rid of it`;
      throw new TsflannelError('ETCD_DATA_DIR', { dir: options.dataDir, detail });
    }
    return { member: managed(member, options), existing: true, network: options.network };
  }
  const { request, network, size, systemd, asked, dataDir } = await fill(options);
  const known = await withUrl(request, options, !dry);
  return {
    member: managed(withOrigin(buildMember(known, { dataDir, pki: pkiDirOf(options.configDir) }), request.wish), {
      ...{ systemd, etcd: options.etcd },
    }),
    existing: false,
    network,
    wish: request.wish.kind === 'new' && !dry ? known.wish : request.wish,
    security: request.security,
    ...(size !== undefined && { size }),
    ...(asked && { asked }),
  };
}

/** Checks a member's place at its discovery URL or token; resolves to the cluster's size. */
async function checkDiscovery(member: Member, open: OpenKv): Promise<number | undefined> {
  const { bootstrap } = member;
  if (bootstrap.kind === 'static') return bootstrap.cluster.length;
  const registrar = 'cluster' in bootstrap ? undefined : registrarOf(bootstrap, open);
  if (!registrar) return undefined;
  const registry = await registrar.read();
  const state = standing(registrar, registry, founder(member));
  if (state.kind === 'refused') throw state.error;
  return registry.size;
}

/** All that can be known to be wrong before anything is changed; resolves to warnings. */
export async function preflight(settled: Settled, options: InitOptions): Promise<readonly string[]> {
  const { member, wish } = settled;
  await checkEtcd(findEtcd(options.path, member.etcd));
  if (member.systemd) await checkSystemd();
  // An etcd that lost its supervisor holds the ports; it is ours to stop.
  if (findEtcdOf(member.dataDir).length === 0) await checkPorts(member);
  if (settled.security?.kind === 'given') await readGivenCa(settled.security.ca);
  if (settled.existing && member.clusterId !== undefined) return [];
  const size = wish?.kind === 'new' ? wish.size : await checkDiscovery(member, options.open);
  return warningsOf(member, size ?? settled.size);
}
