/** Log lines of the daemon on stderr: `<event> <detail>`, with a `<N>` priority prefix under journald. Secrets never get here. */
const WARNINGS = new Set([
  'etcd-lost',
  'lease-lost',
  'lease-doubtful',
  'lease-overwritten',
  'apply-failed',
  'pass-failed',
  'removals-held',
  'config-changed',
  'waiting',
  'docker-failed',
]);

/** A log function; `journal`: stderr goes to journald. */
export const logTo =
  (write: (line: string) => void, journal: boolean) =>
  (event: string, detail: string): void => {
    const level = WARNINGS.has(event) ? 4 : 6;
    const head = journal ? `<${level}>` : `${new Date().toISOString()} ${level === 4 ? 'warn' : 'info'} `;
    write(`${head}${event}${detail === '' ? '' : ` ${detail}`}\n`);
  };
