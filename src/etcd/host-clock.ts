import type { OutgoingHttpHeaders } from 'node:http';
import { duration } from '../model/duration.ts';

/**
 * The clock of another host, as the head of an HTTP answer tells it. Nobody has to be trusted for it: it is shown to people, who then look
 * at both hosts, and nothing is decided by it.
 */
export interface Material {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const ASK_MS = 2000;

/** The head's seconds are cut off, not rounded. */
const HALF_MS = 500;

/** The head tells whole seconds, the way takes time, and a second or two do no harm. */
const NOTEWORTHY_SECONDS = 5;

/** Seconds by which the clock there is ahead of this host's (behind: below 0); `undefined` where none answers. Never rejects. */
export async function clockAhead(url: string, material: Material = {}): Promise<number | undefined> {
  const { get } = url.startsWith('https:') ? await import('node:https') : await import('node:http');
  return new Promise((resolve) => {
    const done = (headers: OutgoingHttpHeaders = {}): void => {
      request.destroy();
      const date = Date.parse(String(headers.date));
      resolve(Number.isNaN(date) ? undefined : Math.round((date + HALF_MS - Date.now()) / 1000));
    };
    const options = { rejectUnauthorized: false, agent: false, timeout: ASK_MS, ...material };
    const request = get(url, options, ({ headers }) => done(headers));
    request.on('timeout', () => done());
    request.on('error', () => done());
  });
}

/** How another clock differs, in words; `undefined` where it does not, or is not known. */
export function clockDiffers(ahead: number | undefined, whose: string): string | undefined {
  if (ahead === undefined || Math.abs(ahead) < NOTEWORTHY_SECONDS) return undefined;
  return `the clock of ${whose} is ${duration(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'} this host's`;
}
