import { duration } from '../model/duration.ts';
import { size } from './members.ts';
import type { Schedule } from './schedule.ts';
import { checkSnapshot } from './snapshot-sum.ts';
import { listSnapshots, type Taken } from './snapshots.ts';

/** What `etcd snapshot list` shows of a folder and of the schedule that fills it. */
export interface Snapshots {
  readonly dir: string;
  readonly snapshots: readonly (Taken & { readonly whole?: boolean })[];
  readonly schedule?: Schedule;
  /** Twice the schedule's time has passed without a snapshot. */
  readonly overdue: boolean;
  /** None is overdue, and none was found damaged. */
  readonly well: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const isWhole = (file: string): Promise<boolean> =>
  checkSnapshot(file).then(
    () => true,
    () => false,
  );

/** Looks at the folder; `verify` reads each file whole. Rejects with FILE_UNREADABLE. */
export async function inspectSnapshots(
  dir: string,
  schedule: Schedule | undefined,
  verify: boolean,
): Promise<Snapshots> {
  const now = Date.now();
  const snapshots: (Taken & { whole?: boolean })[] = [];
  for (const one of await listSnapshots(dir))
    snapshots.push({ ...one, ...(verify && { whole: await isWhole(one.file) }) });
  const newest = snapshots[0]?.at;
  const filled = schedule?.dir === dir;
  const overdue = filled && newest !== undefined && now - newest > schedule.everySeconds * 2000;
  const well = !overdue && !snapshots.some(({ whole }) => whole === false);
  return { dir, snapshots, ...(schedule && { schedule }), overdue, well, now };
}

export const HEADS = ['file', 'taken', 'age', 'size', 'whole'] as const;

export const snapshotCells = ({ snapshots, now }: Snapshots): readonly (readonly string[])[] =>
  snapshots.map(({ file, at, bytes, whole }) => [
    file,
    new Date(at).toISOString().replace('.000Z', 'Z'),
    duration((now - at) / 1000),
    size(BigInt(bytes)),
    whole === undefined ? '-' : whole ? 'yes' : 'NO',
  ]);

/** The schedule in words. */
export const scheduleText = ({ runner, dir, everySeconds, keep }: Schedule): string =>
  `every ${duration(everySeconds)} into ${dir}, the newest ${keep} are kept, by ${runner === 'systemd' ? 'a systemd timer' : "the etcd member's supervisor"}`;

export const snapshotLines = ({ schedule, overdue }: Snapshots): readonly string[] => [
  schedule ? `schedule: ${scheduleText(schedule)}` : 'no schedule: tsflannel etcd snapshot schedule',
  ...(overdue
    ? ["warning: a snapshot is overdue; 'journalctl -u tsflannel-etcd-snapshot', or the member's log, says why"]
    : []),
];

/** The same for `--json`. */
export const snapshotData = ({ dir, snapshots, schedule, overdue }: Snapshots): Record<string, unknown> => ({
  dir,
  snapshots: snapshots.map(({ at, ...rest }) => ({ ...rest, taken: new Date(at).toISOString() })),
  schedule: schedule ?? null,
  overdue,
});
