import { LOG_EVENTS, type Log } from '../model/log-events.ts';

/**
 * Log lines of the daemon on stderr: `<event> <detail>`, with a `<N>` priority prefix where stderr goes to journald (`journal`). Secrets
 * never get here.
 */
export const logTo =
  (write: (line: string) => void, journal: boolean): Log =>
  (event, detail) => {
    const level = LOG_EVENTS[event].level === 'warn' ? 4 : 6;
    const head = journal ? `<${level}>` : `${new Date().toISOString()} ${level === 4 ? 'warn' : 'info'} `;
    write(`${head}${event}${detail === '' ? '' : ` ${detail}`}\n`);
  };
