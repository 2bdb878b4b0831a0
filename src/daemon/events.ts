import type { ErrorCode } from '../errors.ts';
import { LOG_EVENTS, type Log, type LogEventName } from '../model/log-events.ts';
import type { DaemonEvent } from '../model/report.ts';

/** As many as a screen shows. */
const KEPT = 200;

/** A log that remembers the last lines, for those who ask, and counts; what is for debugging is not remembered. */
export interface Events {
  readonly log: Log;
  /** The oldest first. */
  last(): readonly DaemonEvent[];
  /** How often each event was logged; those that never were, too. */
  counts(): ReadonlyMap<LogEventName, number>;
  /** How often a failure was logged, by the code of its error. */
  failures(): ReadonlyMap<ErrorCode, number>;
}

const count = <Name>(counts: Map<Name, number>, name: Name) => counts.set(name, (counts.get(name) ?? 0) + 1);

/** Everything goes on to `log`. */
export function rememberEvents(log: Log): Events {
  let events: DaemonEvent[] = [];
  const counts = new Map(Object.keys(LOG_EVENTS).map((name) => [name as LogEventName, 0]));
  const failures = new Map<ErrorCode, number>();
  return {
    log(event, detail, code) {
      if (LOG_EVENTS[event].level !== 'debug')
        events = [...events.slice(1 - KEPT), { at: new Date().toISOString(), event, detail }];
      count(counts, event);
      if (code !== undefined) count(failures, code);
      log(event, detail, code);
    },
    last: () => events,
    counts: () => counts,
    failures: () => failures,
  };
}
