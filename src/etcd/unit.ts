import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TsflannelError } from '../errors.ts';
import { readIfThere, removeFile, writeFileAtomic } from '../files/atomic.ts';
import { printable } from '../model/parsed.ts';
import { entryFile, packageRoot } from '../root.ts';
import { stateFile } from './member.ts';
import { readState } from './state.ts';

/** The systemd unit that runs the supervisor of this host's member, from templates/: there is one a host. */
export const UNIT = 'tsflannel-etcd.service';
/** Where units of this host are. */
export const UNIT_DIR = '/etc/systemd/system';
export const UNIT_FILE = `${UNIT_DIR}/${UNIT}`;

/** The first line of a unit of ours. */
export const UNIT_MARK = '# Written by tsflannel';
const CALL_MS = 60_000;
const START_MS = 20_000;

/** Whether systemd is this host's init; in a container or a lab it is not, though its tools may be there. */
export const systemdRuns = async (): Promise<boolean> => (await readIfThere('/proc/1/comm'))?.trim() === 'systemd';

export const systemdFailed = (detail: string): TsflannelError => new TsflannelError('SYSTEMD', { detail });

/** Rejects with SYSTEMD where there is none, or where the unit is somebody else's. */
export async function checkSystemd(): Promise<void> {
  if (!(await systemdRuns())) throw systemdFailed('process 1 of this host is not systemd');
  const there = await readIfThere(UNIT_FILE);
  if (there !== undefined && !there.startsWith(UNIT_MARK))
    throw systemdFailed(`${UNIT_FILE} was not written by tsflannel`);
}

/** A word of ExecStart as systemd reads it back: quoted, specifiers and variables taken literally. */
export const execWord = (word: string): string =>
  `"${word.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`;

/** A command line for ExecStart. Throws SYSTEMD. */
export function execLine(argv: readonly string[]): string {
  if (argv.some((word) => /[\n\r\0]/.test(word))) throw systemdFailed('a folder has a line break in its name');
  return argv.map(execWord).join(' ');
}

/** The text of the unit for these folders. */
export async function unitText(dataDir: string, runDir: string): Promise<string> {
  const template = await readFile(join(packageRoot(), 'templates', UNIT), 'utf8');
  const argv = [process.execPath, fileURLToPath(entryFile('etcd/supervisor-entry')), dataDir, runDir];
  return template.replace('{exec}', () => execLine(argv));
}

/** Rejects with SYSTEMD and what systemctl said. */
export async function systemctl(...args: string[]): Promise<void> {
  const { execa } = await import('execa');
  const { exitCode, stderr } = await execa('systemctl', args, { reject: false, timeout: CALL_MS, stdin: 'ignore' });
  if (exitCode !== 0) throw systemdFailed(`systemctl ${args.join(' ')}: ${printable(stderr || `status ${exitCode}`)}`);
}

/** Writes the unit, enables it and starts it; waits until the supervisor has reported. Rejects with SYSTEMD, FILE_FAILED or ETCD_START. */
export async function startUnit(runDir: string, dataDir: string): Promise<void> {
  await checkSystemd();
  await removeFile(stateFile(runDir));
  const text = await unitText(dataDir, runDir);
  if ((await readIfThere(UNIT_FILE)) !== text) await writeFileAtomic(UNIT_FILE, text, 0o644);
  await systemctl('daemon-reload');
  await systemctl('enable', UNIT);
  await systemctl('restart', UNIT);
  const until = performance.now() + START_MS;
  while ((await readState(stateFile(runDir))) === undefined) {
    if (performance.now() > until)
      throw new TsflannelError('ETCD_START', { detail: `${UNIT} says nothing of itself; 'journalctl -u ${UNIT}' may` });
    await sleep(30);
  }
}

/** Stops the unit; without systemd there is nothing to stop. `remove`: it is not there at the next boot either. */
export async function stopUnit(remove: boolean): Promise<void> {
  const ours = (await readIfThere(UNIT_FILE))?.startsWith(UNIT_MARK) === true;
  if (!ours) return;
  const runs = await systemdRuns();
  if (runs) await systemctl('stop', UNIT);
  if (!remove) return;
  if (runs) await systemctl('disable', UNIT);
  await removeFile(UNIT_FILE);
  if (runs) await systemctl('daemon-reload');
}
