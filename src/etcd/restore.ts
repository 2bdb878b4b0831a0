import { chmod, rename, rm } from 'node:fs/promises';
import { TsflannelError } from '../errors.ts';
import { printEndpoint } from '../model/endpoint.ts';
import { printable } from '../model/parsed.ts';
import { type ClusterMember, printCluster } from './cluster.ts';
import { inspectDataDir } from './data-dir.ts';
import { founder, founders, type Member, peerUrl } from './member.ts';
import { writeMember } from './member-file.ts';
import { isRunning } from './process.ts';
import { checkEtcd, findEtcd, findProgram } from './program.ts';
import { checkSnapshot } from './snapshot-sum.ts';

export interface RestoreOptions {
  readonly file: string;
  readonly dataDir: string;
  readonly runDir: string;
  /** A cluster of this host only; else of all that founded it, each of which restores the same file. */
  readonly alone: boolean;
  readonly path: string;
}

/** What is to be restored, checked; nothing is changed yet. */
export interface Restoration extends RestoreOptions {
  readonly member: Member;
  readonly cluster: readonly ClusterMember[];
  /** Of the snapshot's database, in hexadecimal. */
  readonly sha256: string;
  readonly program: string;
}

/** The member of this host, which must be ours and stopped. */
async function memberOf({ dataDir, runDir }: RestoreOptions): Promise<Member> {
  const found = await inspectDataDir(dataDir);
  if (found.state === 'foreign') throw new TsflannelError('ETCD_DATA_DIR', { dir: dataDir, detail: found.detail });
  if (found.state === 'empty') throw new TsflannelError('ETCD_NOT_MANAGED', { dir: dataDir });
  if (await isRunning(runDir, dataDir))
    throw new TsflannelError('ETCD_RUNNING', { detail: 'its data is to be replaced' });
  return found.member;
}

const ENV = { ETCDCTL_API: '3' };

/** `etcdutl version: 3.6.6` -> `3.6`; empty for what does not run. */
async function versionOf(program: string): Promise<string> {
  const { execa } = await import('execa');
  const { stdout } = await execa(program, ['version'], { reject: false, timeout: 10_000, extendEnv: false, env: ENV });
  return /version: ([0-9]{1,3}\.[0-9]{1,3})\./.exec(String(stdout))?.[1] ?? '';
}

/**
 * The tool that restores: etcd 3.5 moved that from etcdctl to etcdutl. What a tool of another version makes, etcd may not read.
 */
async function programOf(path: string): Promise<string> {
  const etcd = await checkEtcd(findEtcd(path));
  const found: string[] = [];
  for (const name of ['etcdutl', 'etcdctl']) {
    const program = findProgram(name, path);
    const version = program === undefined ? '' : await versionOf(program);
    if (program !== undefined && version === etcd) return program;
    if (program !== undefined) found.push(`${program} is ${version || 'of no version'}`);
  }
  const detail = `etcd here is ${etcd}, and a snapshot is restored by its own tool; ${found.join(', ') || 'there is none'}`;
  throw new TsflannelError('TOOL_MISSING', { tool: `etcdutl or etcdctl ${etcd}`, detail, package: 'etcd-client' });
}

/**
 * Checks file, member and tools. Rejects with SNAPSHOT_INVALID, ETCD_DATA_DIR, ETCD_NOT_MANAGED, ETCD_RUNNING, TOOL_MISSING or
 * ETCD_VERSION.
 */
export async function prepareRestore(options: RestoreOptions): Promise<Restoration> {
  const sha256 = await checkSnapshot(options.file);
  const member = await memberOf(options);
  const cluster = options.alone ? [founder(member)] : founders(member);
  return { ...options, member, cluster, sha256, program: await programOf(options.path) };
}

/** All hosts that restore one file make one cluster, and no other: its old members are not let in. */
const tokenOf = ({ sha256 }: Restoration): string => `restored-${sha256.slice(0, 16)}`;

async function restoreInto(restoration: Restoration, dir: string): Promise<void> {
  const { execa } = await import('execa');
  const { program, file, member, cluster } = restoration;
  const args = [
    ...['snapshot', 'restore', file, '--data-dir', dir, '--name', member.name],
    ...['--initial-cluster', printCluster(cluster), '--initial-cluster-token', tokenOf(restoration)],
    ...['--initial-advertise-peer-urls', printEndpoint(peerUrl(member))],
  ];
  const env = { ...ENV, PATH: restoration.path };
  const result = await execa(program, args, { env, extendEnv: false, reject: false });
  if (result.exitCode === 0) return chmod(dir, 0o700);
  const said = String(result.stderr).trim().split('\n').at(-1) ?? '';
  throw new TsflannelError('TOOL_FAILED', { tool: `${program} snapshot restore`, detail: printable(said) });
}

const stamp = (): string => new Date().toISOString().replace(/[-:]|\.\d+/g, '');

/** Puts a folder aside; resolves to where it is, or to nothing where there was none. */
async function putAside(dir: string): Promise<string | undefined> {
  const aside = `${dir}.before-${stamp()}`;
  return rename(dir, aside).then(
    () => aside,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new TsflannelError('FILE_FAILED', { file: dir, detail: error.message }, error);
    },
  );
}

/** Makes the data dir anew out of the snapshot; what was there is put aside. Resolves to where that is. Run again, it begins anew. */
export async function restore(restoration: Restoration): Promise<string | undefined> {
  const { dataDir, member, cluster } = restoration;
  const fresh = `${dataDir}.restored`;
  await rm(fresh, { recursive: true, force: true });
  await restoreInto(restoration, fresh);
  const kept = await putAside(dataDir);
  await rename(fresh, dataDir);
  const { clusterId: _, ...same } = member;
  const bootstrap =
    cluster.length === 1
      ? { kind: 'alone' as const, token: tokenOf(restoration) }
      : { kind: 'static' as const, cluster };
  await writeMember({ ...same, bootstrap });
  return kept;
}
