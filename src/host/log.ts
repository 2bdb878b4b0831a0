import { fstatSync } from 'node:fs';
import { LOG_EVENTS, LOG_LEVELS, type Log, type LogLevel } from '../model/log-events.ts';

/** `journald`: text with the `<N>` priorities that it reads. */
export type LogFormat = 'text' | 'journald' | 'json';

/** What syslog calls the levels. */
const PRIORITY: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

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
  (write: (line: string) => void, format: LogFormat, level: () => LogLevel = () => 'debug'): Log =>
  (...said) => {
    const [event] = said;
    if (LOG_LEVELS.indexOf(LOG_EVENTS[event].level) <= LOG_LEVELS.indexOf(level()))
      write(`${lineOf(format, ...said)}\n`);
  };

/** A level that SIGUSR1 moves on: error, warn, info, debug, and error again. `listen` begins that, says each change, and returns what ends it. */
export function createLogLevel(first: LogLevel) {
  let level = first;
  return {
    now: () => level,
    listen(log: Log): () => void {
      const next = (): void => {
        level = LOG_LEVELS[(LOG_LEVELS.indexOf(level) + 1) % LOG_LEVELS.length] ?? first;
        log('log-level', level);
      };
      // Without an ear of ours Node opens its debugger's port at this signal.
      process.on('SIGUSR1', next);
      return () => void process.off('SIGUSR1', next);
    },
  };
}
