import { TsflannelError } from '../errors.ts';
import { readIfThere, removeFile, writeFileAtomic } from '../files/atomic.ts';
import { accept, field, type Parsed, parseJsonObject, reject, wholeNumber } from '../model/parsed.ts';
import { memberFile } from './member.ts';
import { readMember } from './member-file.ts';
import { findSupervisor } from './process.ts';
import type { Taken } from './snapshots.ts';
import { startTimer, stopTimer } from './timer.ts';
import { systemdRuns } from './unit.ts';

/**
 * When snapshots are taken on this host, and by whom: by a systemd timer, else by the process that supervises the etcd member. Kept in a
 * file beside the data dir.
 */
export interface Schedule {
  readonly runner: 'systemd' | 'supervisor';
  /** Absolute. */
  readonly dir: string;
  readonly everySeconds: number;
  /** How many are kept. */
  readonly keep: number;
}

export const EVERY_BOUNDS = { min: 60, max: 31 * 86_400 } as const;
export const KEEP_BOUNDS = { min: 1, max: 1000 } as const;

export const scheduleFile = (dataDir: string): string => `${dataDir}.snapshots.json`;

function parseSchedule(text: string): Parsed<Schedule> {
  const json = parseJsonObject(text, 'schedule');
  if (!json.ok) return json;
  const [runner, dir] = [field(json.value, 'runner'), field(json.value, 'dir')];
  const everySeconds = wholeNumber(field(json.value, 'everySeconds'), EVERY_BOUNDS.min, EVERY_BOUNDS.max);
  const keep = wholeNumber(field(json.value, 'keep'), KEEP_BOUNDS.min, KEEP_BOUNDS.max);
  if (runner !== 'systemd' && runner !== 'supervisor') return reject('SCHEDULE', 'runner', 'systemd or supervisor');
  if (typeof dir !== 'string' || !dir.startsWith('/') || dir.includes('\0'))
    return reject('SCHEDULE', 'dir', 'an absolute path is expected');
  return everySeconds === undefined || keep === undefined
    ? reject('SCHEDULE', 'everySeconds, keep', 'whole numbers within their bounds are expected')
    : accept({ runner, dir, everySeconds, keep });
}

/** The schedule of this host; `undefined`: there is none. Rejects with MEMBER_FILE_INVALID or FILE_UNREADABLE. */
export async function readSchedule(dataDir: string): Promise<Schedule | undefined> {
  const file = scheduleFile(dataDir);
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  const parsed = parseSchedule(text);
  if (parsed.ok) return parsed.value;
  const { where, detail } = parsed.rejection;
  throw new TsflannelError('MEMBER_FILE_INVALID', { file, detail: `${where}: ${detail}` });
}

/** A clock that was ahead and went back must not end the snapshots until it has caught up. */
const AHEAD_MS = 60_000;

/** Whether a snapshot is to be taken: none is younger than the schedule's time. */
export const isDue = ({ everySeconds }: Schedule, taken: readonly Taken[], now: number): boolean =>
  !taken.some(({ at }) => at <= now + AHEAD_MS && now - at < everySeconds * 1000);

/** Who can run a schedule on this host. Rejects with SCHEDULE_NOWHERE. */
export async function findRunner(dataDir: string): Promise<Schedule['runner']> {
  if (await systemdRuns()) return 'systemd';
  if (await readMember(memberFile(dataDir))) return 'supervisor';
  throw new TsflannelError('SCHEDULE_NOWHERE', { dir: dataDir });
}

const same = (a: Schedule | undefined, b: Schedule): boolean =>
  a !== undefined && (['runner', 'dir', 'everySeconds', 'keep'] as const).every((name) => a[name] === b[name]);

/** Where a schedule belongs. */
export interface SchedulePlace {
  readonly dataDir: string;
  readonly runDir: string;
}

/** The supervisor looks at the schedule now, and not within a minute; one that does not run looks when it starts. */
async function nudge({ runDir }: SchedulePlace): Promise<void> {
  const pid = await findSupervisor(runDir);
  if (pid !== undefined) process.kill(pid, 'SIGHUP');
}

/**
 * Puts the schedule in force; `argv` is what the timer runs, where there is one. The first snapshot is taken at once. Resolves to whether anything changed.
 * Rejects with SYSTEMD or FILE_FAILED.
 */
export async function setSchedule(
  place: SchedulePlace,
  schedule: Schedule,
  argv: readonly string[] | undefined,
): Promise<boolean> {
  const before = await readSchedule(place.dataDir).catch(() => undefined);
  const changed = !same(before, schedule);
  const started = argv ? await startTimer(argv, schedule.everySeconds) : false;
  if (changed)
    await writeFileAtomic(scheduleFile(place.dataDir), `${JSON.stringify({ version: 1, ...schedule })}\n`, 0o600);
  if (changed && schedule.runner === 'supervisor') await nudge(place);
  return changed || started;
}

/** Ends it; the snapshots stay. Resolves to whether there was one. Rejects with SYSTEMD or FILE_FAILED. */
export async function endSchedule(dataDir: string): Promise<boolean> {
  const there = (await readIfThere(scheduleFile(dataDir))) !== undefined;
  const stopped = there && (await stopTimer());
  await removeFile(scheduleFile(dataDir));
  return there || stopped;
}
