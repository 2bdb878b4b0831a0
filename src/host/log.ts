import { fstatSync } from 'node:fs';
import { LOG_EVENTS, type Log } from '../model/log-events.ts';

/** `journald`: text with the `<N>` priorities that it reads. */
export type LogFormat = 'text' | 'journald' | 'json';

/** What syslog calls the levels. */
const PRIORITY = { info: 6, warn: 4 } as const;

/**
 * Whether this descriptor is the one that systemd connected to its journal: JOURNAL_STREAM says which (`device:inode`). It is inherited, so a
 * stderr that was redirected meanwhile is another.
 */
export function isJournal(stream: string | undefined, descriptor: number): boolean {
  if (stream === undefined) return false;
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  return stream === `${dev}:${ino}`;
}

/** How to write a log: as was asked for; text as where it goes wants it. */
export const logFormat = (wish: string, journal: boolean): LogFormat =>
  wish === 'json' ? 'json' : journal ? 'journald' : 'text';

function lineOf(format: LogFormat, ...[event, detail, code]: Parameters<Log>): string {
  const { level } = LOG_EVENTS[event];
  const time = new Date().toISOString();
  if (format === 'json') return JSON.stringify({ time, level, event, detail, ...(code !== undefined && { code }) });
  const text = detail === '' ? event : `${event} ${detail}`;
  return format === 'journald' ? `<${PRIORITY[level]}>${text}` : `${time} ${level} ${text}`;
}

/** Lines of the daemon's log, one for each event (model/log-events.ts): its name is stable, its detail is for people. No secret gets here. */
export const logTo =
  (write: (line: string) => void, format: LogFormat): Log =>
  (...said) =>
    write(`${lineOf(format, ...said)}\n`);
