import type { Log } from '../model/log-events.ts';
import type { DaemonEvent } from '../model/report.ts';

/** As many as a screen shows. */
const KEPT = 200;

/** A log that remembers the last lines, for those who ask. */
export interface Events {
  readonly log: Log;
  /** The oldest first. */
  last(): readonly DaemonEvent[];
}

/** Everything goes on to `log`. */
export function rememberEvents(log: Events['log']): Events {
  let events: DaemonEvent[] = [];
  return {
    log(event, detail) {
      events = [...events.slice(1 - KEPT), { at: new Date().toISOString(), event, detail }];
      log(event, detail);
    },
    last: () => events,
  };
}
