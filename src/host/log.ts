import { logEvent } from '../model/log-events.ts';

/**
 * Log lines of the daemon on stderr: `<event> <detail>`, with a `<N>` priority prefix where stderr goes to journald (`journal`). Secrets
 * never get here.
 */
export const logTo =
  (write: (line: string) => void, journal: boolean) =>
  (event: string, detail: string): void => {
    const level = logEvent(event)?.level === 'warn' ? 4 : 6;
    const head = journal ? `<${level}>` : `${new Date().toISOString()} ${level === 4 ? 'warn' : 'info'} `;
    write(`${head}${event}${detail === '' ? '' : ` ${detail}`}\n`);
  };
