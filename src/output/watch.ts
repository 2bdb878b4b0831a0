import { setTimeout as sleep } from 'node:timers/promises';

/** One round of a live view: the text for people, and one JSON line for pipes. */
export interface Frame {
  readonly text: string;
  readonly json: string;
}

const HOME_AND_CLEAR = '\x1b[H\x1b[J';
const PERIOD_MS = 1_000;

function draw(frame: Frame, before: string, json: boolean): void {
  if (process.stdout.isTTY && !json) process.stdout.write(`${HOME_AND_CLEAR}${frame.text}\n\n(Ctrl-C ends)\n`);
  else if (frame.json !== before) process.stdout.write(json ? `${frame.json}\n` : `${frame.text}\n\n`);
}

/**
 * Looks once a second until Ctrl-C: redraws on a terminal; piped, prints again only what changed (with `json` one document a line).
 * A look that fails is shown and tried again.
 */
export async function watch(look: () => Promise<Frame>, json: boolean): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  let before = '';
  while (!stop.signal.aborted) {
    const frame = await look().catch((error: Error) => ({
      text: `Error: ${error.message}`,
      json: JSON.stringify({ error: error.message }),
    }));
    draw(frame, before, json);
    before = frame.json;
    await sleep(PERIOD_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}
