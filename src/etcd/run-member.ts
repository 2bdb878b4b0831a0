import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { readIfThere } from '../files/atomic.ts';
import { type ClientConfig, readClientConfig } from '../files/client-config.ts';
import { timeProblem } from '../model/cert-time.ts';
import { printEndpoint } from '../model/endpoint.ts';
import { restoreClient, writeClient } from './client.ts';
import { inspectDataDir } from './data-dir.ts';
import { closedFolder, folder } from './folder.ts';
import { type InitOptions, type InitOutcome, preflight, type Settled, usable } from './init.ts';
import { identitiesOf, localUrl, type Member, rootOf } from './member.ts';
import { removeMember, writeMember } from './member-file.ts';
import type { ClusterStatus } from './members.ts';
import { certificate } from './pki.ts';
import { certFile, ensureCa, ensureCerts, readCa } from './pki-files.ts';
import { isRunning, startSupervisor, stopOrphans, stopProcesses } from './process.ts';
import { createToken, type NewToken, TOKEN_SECONDS } from './tokens.ts';
import { startUnit, stopUnit } from './unit.ts';
import { waitHealthy } from './wait.ts';

/** The member's keys and certificates; what is there and good stays. A host without the CA key has what it was given at its join. */
async function secure({ member, existing, security }: Settled): Promise<void> {
  if (member.pki === undefined) return;
  const given = existing || member.bootstrap.kind === 'joined';
  const ca = given
    ? await readCa(member.pki)
    : await ensureCa(member.pki, security?.kind === 'given' ? security.ca : undefined);
  if (ca) await ensureCerts(member.pki, ca, [...identitiesOf(member), rootOf(member)]);
  await checkTimes(member);
}

/** With a certificate out of its time etcd would run, and no other member would speak to it. Rejects with CERT_EXPIRED or CERT_NOT_YET_VALID. */
async function checkTimes(member: Member): Promise<void> {
  const { pki } = member;
  if (pki === undefined) return;
  for (const kind of ['ca', 'server', 'peer', 'client'] as const) {
    const file = certFile(pki, kind);
    const text = await readIfThere(file);
    const problem = text === undefined ? undefined : timeProblem(certificate(text), file);
    if (problem)
      throw new TsflannelError(problem.code, { endpoints: printEndpoint(localUrl(member)), detail: problem.detail });
  }
}

async function start(settled: Settled, options: InitOptions): Promise<void> {
  const { member } = settled;
  for (const dir of [dirname(member.dataDir), options.runDir]) await folder(dir);
  // etcd wants its data dir closed to others.
  await closedFolder(member.dataDir);
  await secure(settled);
  if ((await stopOrphans(member.dataDir)) > 0) options.notice('stopped an etcd that had lost its supervisor');
  await writeMember(member);
  await writeClient(member, options);
  await (member.systemd ? startUnit : startSupervisor)(options.runDir, member.dataDir);
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
  if (settled.member.systemd) await stopUnit(!settled.existing);
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
  if (running && options.systemd) await checkManaged(settled.member.dataDir);
  if (running) await checkTimes(settled.member);
  const cluster = await (running ? wait(settled, options) : startAndWait(settled, options));
  const news = cluster ? await remember(settled, options, cluster) : false;
  const tokens = cluster && !settled.existing ? await firstTokens(settled, options) : [];
  return { ...settled, changed: !running || news, cluster, tokens };
}

/** Rejects with USAGE where the member runs, but not by systemd. */
async function checkManaged(dataDir: string): Promise<void> {
  const found = usable(await inspectDataDir(dataDir), dataDir);
  if (!found?.systemd)
    throw new TsflannelError('USAGE', { detail: "it runs as a background process; 'tsflannel etcd stop' first" });
}

/** A token lets one host in: one for each member to come, and one for a cluster of which no size was said. */
async function firstTokens(
  { member, size = 2 }: Settled,
  { dataDir, configDir }: InitOptions,
): Promise<readonly NewToken[]> {
  if (member.bootstrap.kind !== 'alone' || member.pki === undefined) return [];
  const wish = { purpose: 'member', seconds: TOKEN_SECONDS } as const;
  return Promise.all(Array.from({ length: size - 1 }, () => createToken(dataDir, configDir, wish)));
}
