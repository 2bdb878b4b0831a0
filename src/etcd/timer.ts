import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, removeFile, writeFileAtomic } from '../files/atomic.ts';
import { packageRoot } from '../root.ts';
import { execLine, systemctl, systemdFailed, systemdRuns, UNIT_DIR, UNIT_MARK } from './unit.ts';

/** The systemd timer that takes snapshots, and the service it starts, from templates/: there is one a host. */
const SERVICE = 'tsflannel-etcd-snapshot.service';
const TIMER = 'tsflannel-etcd-snapshot.timer';

const place = (name: string): string => join(UNIT_DIR, name);

/** The texts of both units by name; `argv` is what the service runs. Throws SYSTEMD. */
export async function timerUnits(argv: readonly string[], everySeconds: number): Promise<ReadonlyMap<string, string>> {
  const template = (name: string) => readFile(join(packageRoot(), 'templates', name), 'utf8');
  const [service, timer] = await Promise.all([template(SERVICE), template(TIMER)]);
  return new Map([
    [SERVICE, service.replace('{exec}', () => execLine(argv))],
    [TIMER, timer.replace('{every}', String(everySeconds))],
  ]);
}

const isOurs = (text: string | undefined): boolean => text?.startsWith(UNIT_MARK) === true;

/** Writes the units and starts the timer; resolves to whether anything had to be written. Rejects with SYSTEMD or FILE_FAILED. */
export async function startTimer(argv: readonly string[], everySeconds: number): Promise<boolean> {
  let changed = false;
  for (const [name, text] of await timerUnits(argv, everySeconds)) {
    const there = await readIfThere(place(name));
    if (there !== undefined && !isOurs(there)) throw systemdFailed(`${place(name)} was not written by tsflannel`);
    if (there === text) continue;
    await writeFileAtomic(place(name), text, 0o644);
    changed = true;
  }
  await systemctl('daemon-reload');
  await systemctl('enable', TIMER);
  await systemctl(changed ? 'restart' : 'start', TIMER);
  return changed;
}

/** Stops the timer and takes the units away; resolves to whether they were there. Rejects with SYSTEMD or FILE_FAILED. */
export async function stopTimer(): Promise<boolean> {
  if (!isOurs(await readIfThere(place(TIMER)))) return false;
  const runs = await systemdRuns();
  if (runs) await systemctl('disable', '--now', TIMER);
  for (const name of [TIMER, SERVICE]) if (isOurs(await readIfThere(place(name)))) await removeFile(place(name));
  if (runs) await systemctl('daemon-reload');
  return true;
}
