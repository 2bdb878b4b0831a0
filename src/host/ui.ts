import { type LivePage, type LiveState, livePage } from '../model/live.ts';
import { type PageServer, servePage } from '../ui/server.ts';
import { liveNow } from './live.ts';
import type { LookOptions } from './look.ts';

/** However many pages ask: the daemon is asked no oftener. */
const FRESH_MS = 900;

/** Serves the page of this node until it is closed. Throws PORT_TAKEN. */
export function serveUi(options: LookOptions, port: number): Promise<PageServer> {
  let before: LiveState | undefined;
  let page: Promise<LivePage> | undefined;
  let at = Number.NEGATIVE_INFINITY;
  async function look(): Promise<LivePage> {
    const state = await liveNow(options);
    const made = livePage(before, state);
    before = state;
    return made;
  }
  return servePage(port, () => {
    if (!page || performance.now() - at > FRESH_MS) {
      at = performance.now();
      page = look();
    }
    return page;
  });
}
