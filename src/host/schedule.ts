import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { memberFile } from '../etcd/member.ts';
import { readMember } from '../etcd/member-file.ts';
import type { MemberPaths } from '../etcd/paths.ts';
import { certFile, keyFile } from '../etcd/pki-files.ts';
import type { Schedule } from '../etcd/schedule.ts';
import type { EtcdFlags } from '../output/flags.ts';
import { packageRoot } from '../root.ts';

const FILES = ['etcd-cafile', 'etcd-certfile', 'etcd-keyfile'] as const;

/** With authentication on, etcd gives snapshots to root only: its certificate lies where the CA key does. */
async function rootFlags(flags: EtcdFlags, dataDir: string): Promise<readonly string[]> {
  const pki = (await readMember(memberFile(dataDir)))?.pki;
  if (flags['etcd-certfile'] !== undefined || pki === undefined || !existsSync(certFile(pki, 'root'))) return [];
  return ['--etcd-certfile', certFile(pki, 'root'), '--etcd-keyfile', keyFile(pki, 'root')];
}

/** The command a timer runs for this schedule: what was said here, without secrets. Rejects with USAGE where it would need a password. */
export async function scheduledCommand(
  flags: EtcdFlags,
  { dir, keep }: Schedule,
  { dataDir, configDir }: MemberPaths,
): Promise<readonly string[]> {
  if (flags['etcd-username'] !== undefined)
    throw new TsflannelError('USAGE', {
      detail: 'a schedule keeps no password; run it on the host that holds the CA key, without --etcd-username',
    });
  const endpoints = flags['etcd-endpoints'];
  const given = [
    ...(endpoints === undefined ? [] : ['--etcd-endpoints', endpoints]),
    ...FILES.flatMap((name) => (flags[name] === undefined ? [] : [`--${name}`, resolve(flags[name])])),
  ];
  return [
    ...[process.execPath, join(packageRoot(), 'bin', 'run.js'), 'etcd', 'snapshot', 'save'],
    ...['--dir', dir, '--keep', String(keep), '--config-dir', configDir],
    ...given,
    ...(await rootFlags(flags, dataDir)),
  ];
}
