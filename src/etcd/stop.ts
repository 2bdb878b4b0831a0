import { rm } from 'node:fs/promises';
import { TsflannelError } from '../errors.ts';
import { clientConfigPath, readClientConfig } from '../files/client-config.ts';
import { inspectDataDir } from './data-dir.ts';
import { logFile, memberFile } from './member.ts';
import { readMember, removeMember } from './member-file.ts';
import { isRunning, stopProcesses } from './process.ts';
import { stopUnit } from './unit.ts';

export interface StopOptions {
  readonly dataDir: string;
  readonly runDir: string;
  readonly configDir: string;
  readonly purge: boolean;
}

export interface StopOutcome {
  readonly stopped: boolean;
  readonly removed: readonly string[];
}

async function purge(options: StopOptions): Promise<readonly string[]> {
  const { dataDir, configDir } = options;
  const client = await readClientConfig(configDir).catch(() => undefined);
  const member = await readMember(memberFile(dataDir)).catch(() => undefined);
  const pki = member?.pki === undefined ? [] : [member.pki];
  const files = [dataDir, logFile(dataDir), ...pki, `${logFile(dataDir)}.1`];
  for (const file of files) await rm(file, { recursive: true, force: true });
  await removeMember(dataDir);
  if (client?.dataDir !== dataDir) return files.slice(0, -1);
  await rm(clientConfigPath(configDir), { force: true });
  return [...files.slice(0, -1), clientConfigPath(configDir)];
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
  const member = await readMember(memberFile(options.dataDir)).catch(() => undefined);
  if (member?.systemd) await stopUnit(options.purge);
  const stopped = (await stopProcesses(options.runDir, options.dataDir)) || (running && member?.systemd === true);
  return { stopped, removed: options.purge ? await purge(options) : [] };
}
