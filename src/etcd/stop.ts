import { rm } from 'node:fs/promises';
import { TsflannelError } from '../errors.ts';
import { clientConfigPath, readClientConfig } from '../files/client-config.ts';
import { inspectDataDir } from './data-dir.ts';
import { logFile, memberFile } from './member.ts';
import { readMember, removeMember } from './member-file.ts';
import { isRunning, stopProcesses } from './process.ts';
import { endSchedule } from './schedule.ts';
import { stopUnit } from './unit.ts';

export interface StopOptions {
  readonly dataDir: string;
  readonly runDir: string;
  readonly configDir: string;
  readonly purge: boolean;
  /** Nothing is changed: the outcome says what would be. */
  readonly dryRun: boolean;
}

export interface StopOutcome {
  readonly stopped: boolean;
  readonly removed: readonly string[];
}

/** What `purge` removes, the log that was put aside left unsaid. */
async function belongings({ dataDir, configDir }: StopOptions): Promise<readonly string[]> {
  const client = await readClientConfig(configDir).catch(() => undefined);
  const member = await readMember(memberFile(dataDir)).catch(() => undefined);
  return [
    ...[dataDir, logFile(dataDir)],
    ...(member?.pki === undefined ? [] : [member.pki]),
    ...(client?.dataDir === dataDir ? [clientConfigPath(configDir)] : []),
  ];
}

async function purge(options: StopOptions): Promise<readonly string[]> {
  const { dataDir } = options;
  const files = await belongings(options);
  for (const file of [...files, `${logFile(dataDir)}.1`]) await rm(file, { recursive: true, force: true });
  await removeMember(dataDir);
  await endSchedule(dataDir);
  return files;
}

/** Checks that there is a member, and that it is ours, running or not. Rejects with ETCD_NOT_MANAGED or ETCD_DATA_DIR. */
async function isOurs(dataDir: string): Promise<void> {
  const found = await inspectDataDir(dataDir).catch(() => undefined);
  if (found?.state === 'empty') throw new TsflannelError('ETCD_NOT_MANAGED', { dir: dataDir });
  if (found?.state === 'foreign') throw new TsflannelError('ETCD_DATA_DIR', { dir: dataDir, detail: found.detail });
}

/**
 * Ends the member; it stays a member of its cluster and keeps its data, but for `purge`. Rejects with ETCD_NOT_MANAGED where no member of
 * ours is, and with ETCD_DATA_DIR where purge would remove somebody else's data.
 */
export async function stopMember(options: StopOptions): Promise<StopOutcome> {
  const running = await isRunning(options.runDir, options.dataDir);
  if (options.purge || !running) await isOurs(options.dataDir);
  if (options.dryRun) return { stopped: running, removed: options.purge ? await belongings(options) : [] };
  const member = await readMember(memberFile(options.dataDir)).catch(() => undefined);
  if (member?.systemd) await stopUnit(options.purge);
  const stopped = (await stopProcesses(options.runDir, options.dataDir)) || (running && member?.systemd === true);
  return { stopped, removed: options.purge ? await purge(options) : [] };
}
