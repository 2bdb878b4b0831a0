import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { type ClientConfig, readClientConfig } from '../files/client-config.ts';
import { buildMember, conflict, fillRequest, type HostDefaults, missingFlags, warningsOf } from './choose.ts';
import { restoreClient, writeClient } from './client.ts';
import { type DataDir, inspectDataDir } from './data-dir.ts';
import { newDiscoveryUrl, readDiscovery } from './discovery.ts';
import { closedFolder, folder } from './folder.ts';
import { standing } from './join.ts';
import { founder, identitiesOf, type Member, rootOf } from './member.ts';
import { removeMember, writeMember } from './member-file.ts';
import type { ClusterStatus, OpenKv } from './members.ts';
import { ensureCa, ensureCerts, pkiDirOf, readCa, readGivenCa } from './pki-files.ts';
import { checkPorts } from './ports.ts';
import { findEtcdOf, isRunning, startSupervisor, stopOrphans, stopProcesses } from './process.ts';
import { checkEtcd, findEtcd } from './program.ts';
import type { InitRequest, Security, Wish } from './request.ts';
import { createToken, type NewToken, TOKEN_SECONDS } from './tokens.ts';
import { waitHealthy } from './wait.ts';
import { askMissing, type Questions } from './wizard.ts';

/** Everything `init` needs; paths are absolute. */
export interface InitOptions {
  readonly request: InitRequest;
  /** The network config to write once the cluster is healthy. */
  readonly network: string | undefined;
  /** Prefix of flannel's keys for client.json, where it was said. */
  readonly prefix?: string;
  /** How many members there are to be, where it was said. */
  readonly size?: number;
  readonly dataDir: string;
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

async function fill(options: InitOptions): Promise<{ request: Required<InitRequest>; network: string | undefined }> {
  const { request, network, host } = options;
  if (options.yes) return { request: fillRequest(request, host), network };
  if (options.ask) return askMissing({ request, network }, host, await options.ask());
  const missing = missingFlags(request, host, false);
  if (missing.length > 0) throw new TsflannelError('MISSING_FLAGS', { flags: missing.join('; ') });
  return { request: fillRequest(request, host), network };
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
  if (ask) options.notice(`discovery URL: ${url} (run 'tsflannel init --discovery ${url}' on the other hosts)`);
  return { ...request, wish: { kind: 'discovery', url } };
}

function withOrigin(member: Member, wish: Wish): Member {
  if (wish.kind !== 'new' || member.bootstrap.kind !== 'discovery') return member;
  return { ...member, bootstrap: { ...member.bootstrap, asked: { base: wish.base, size: wish.size } } };
}

/**
 * Decides which member this call is about. `dry`: nothing is asked of the discovery service. Rejects with ETCD_DATA_DIR, ETCD_DATA_LOST,
 * MISSING_FLAGS, ADVERTISE_IP, USAGE and what the discovery service causes.
 */
export async function settle(options: InitOptions, dry: boolean): Promise<Settled> {
  const { dataDir } = options;
  const member = usable(await inspectDataDir(dataDir), dataDir);
  if (member) {
    const contradiction = conflict(options.request, member);
    if (contradiction !== undefined) {
      const detail = `${contradiction}; run init without flags to go on with it, or 'tsflannel etcd stop --purge' to be rid of it`;
      throw new TsflannelError('ETCD_DATA_DIR', { dir: dataDir, detail });
    }
    return { member, existing: true, network: options.network };
  }
  const { request, network } = await fill(options);
  const known = await withUrl(request, options, !dry);
  return {
    member: withOrigin(buildMember(known, { dataDir, pki: pkiDirOf(options.configDir) }), request.wish),
    existing: false,
    network,
    wish: request.wish.kind === 'new' && !dry ? known.wish : request.wish,
    security: request.security,
  };
}

/** Checks a member's place at its discovery URL; resolves to the cluster's size. */
async function checkDiscovery(member: Member): Promise<number | undefined> {
  const { bootstrap } = member;
  if (bootstrap.kind === 'static') return bootstrap.cluster.length;
  if (bootstrap.kind !== 'discovery' || bootstrap.cluster) return undefined;
  const registry = await readDiscovery(bootstrap.url);
  const state = standing(bootstrap.url, registry, founder(member));
  if (state.kind === 'refused') throw state.error;
  return registry.size;
}

/** All that can be known to be wrong before anything is changed; resolves to warnings. */
export async function preflight(settled: Settled, options: InitOptions): Promise<readonly string[]> {
  const { member, wish } = settled;
  await checkEtcd(findEtcd(options.path));
  // An etcd that lost its supervisor holds the ports; it is ours to stop.
  if (findEtcdOf(member.dataDir).length === 0) await checkPorts(member);
  if (settled.security?.kind === 'given') await readGivenCa(settled.security.ca);
  if (settled.existing && member.clusterId !== undefined) return [];
  const size = wish?.kind === 'new' ? wish.size : await checkDiscovery(member);
  return warningsOf(member, size);
}

/** The member's keys and certificates; what is there and good stays. A host without the CA key has what it was given at its join. */
async function secure({ member, existing, security }: Settled): Promise<void> {
  if (member.pki === undefined) return;
  const given = existing || member.bootstrap.kind === 'joined';
  const ca = given
    ? await readCa(member.pki)
    : await ensureCa(member.pki, security?.kind === 'given' ? security.ca : undefined);
  if (ca) await ensureCerts(member.pki, ca, [...identitiesOf(member), rootOf(member)]);
}

async function start(settled: Settled, options: InitOptions): Promise<void> {
  const { member } = settled;
  for (const dir of [dirname(member.dataDir), options.runDir]) await folder(dir);
  // etcd wants its data dir closed to others.
  await closedFolder(member.dataDir);
  await secure(settled);
  if ((await stopOrphans(member.dataDir)) > 0) options.notice('stopped an etcd that had lost its supervisor');
  if (!settled.existing) await writeMember(member);
  await writeClient(member, options);
  await startSupervisor(options.runDir, member.dataDir);
}

const hasLog = async (dataDir: string): Promise<boolean> =>
  (await readdir(`${dataDir}/member`).catch((): string[] => [])).includes('wal');

/** What was there before anything was made. */
interface Before {
  readonly client: ClientConfig | undefined;
  readonly pki: boolean;
}

/** A new member that never came to write a log leaves nothing behind but etcd's words about why. */
async function undo(settled: Settled, options: InitOptions, made: Before): Promise<void> {
  const { dataDir } = settled.member;
  await stopProcesses(options.runDir, dataDir);
  // A token is used up, and the place in the cluster may be taken: the same call goes on where this one ended.
  if (settled.existing || settled.member.bootstrap.kind === 'joined' || (await hasLog(dataDir))) return;
  await rm(dataDir, { recursive: true, force: true });
  await removeMember(dataDir);
  if (!made.pki && settled.member.pki !== undefined) await rm(settled.member.pki, { recursive: true, force: true });
  await restoreClient(options.configDir, made.client);
}

/** Starts the member and waits; what fails for good is undone. */
async function startAndWait(settled: Settled, options: InitOptions): Promise<ClusterStatus | undefined> {
  const before: Before = {
    client: await readClientConfig(options.configDir),
    pki: settled.member.pki !== undefined && existsSync(settled.member.pki),
  };
  for (const warning of await preflight(settled, options)) options.notice(`warning: ${warning}`);
  try {
    await start(settled, options);
    return await wait(settled, options);
  } catch (error) {
    if (!(error instanceof TsflannelError) || error.code !== 'ETCD_NOT_HEALTHY') await undo(settled, options, before);
    throw error;
  }
}

async function wait({ member }: Settled, options: InitOptions): Promise<ClusterStatus | undefined> {
  if (options.waitSeconds === 0) return undefined;
  const all = member.clusterId === undefined && member.bootstrap.kind !== 'joined';
  const { open, runDir, waitSeconds: seconds, notice: onProgress } = options;
  return waitHealthy(member, { open, runDir, seconds, all, onProgress });
}

/** Notes what only a healthy cluster can tell; resolves to whether that was new. */
async function remember(settled: Settled, options: InitOptions, cluster: ClusterStatus): Promise<boolean> {
  const now = usable(await inspectDataDir(settled.member.dataDir), settled.member.dataDir) ?? settled.member;
  const clusterId = cluster.clusterId.toString(16);
  const news = cluster.clusterId !== 0n && now.clusterId !== clusterId;
  if (news) await writeMember({ ...now, clusterId });
  return (await writeClient(now, options, cluster)) || news;
}

/** Makes the member run and waits until its cluster is healthy. */
export async function runMember(settled: Settled, options: InitOptions): Promise<InitOutcome> {
  const running = await isRunning(options.runDir, settled.member.dataDir);
  const cluster = await (running ? wait(settled, options) : startAndWait(settled, options));
  const news = cluster ? await remember(settled, options, cluster) : false;
  const tokens = cluster && !settled.existing ? await firstTokens(settled.member, options) : [];
  return { ...settled, changed: !running || news, cluster, tokens };
}

/** A token lets one host in: one for each member to come, and one for a cluster of which no size was said. */
async function firstTokens(
  member: Member,
  { dataDir, configDir, size = 2 }: InitOptions,
): Promise<readonly NewToken[]> {
  if (member.bootstrap.kind !== 'alone' || member.pki === undefined) return [];
  const wish = { purpose: 'member', seconds: TOKEN_SECONDS } as const;
  return Promise.all(Array.from({ length: size - 1 }, () => createToken(dataDir, configDir, wish)));
}
