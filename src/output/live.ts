import { setTimeout as sleep } from 'node:timers/promises';
import { INTERRUPTED } from '../model/exits.ts';
import type { LiveState } from '../model/live.ts';
import { openScreen } from './screen.ts';
import { SORTS, type TopView, topLines } from './top.ts';

const PERIOD_MS = 1_000;
const FIRST: TopView = { sort: 'subnet', paused: false, help: false, from: 0 };

/** What a key changes; `undefined`: leave. */
export function press(key: string, view: TopView, nodes: number): TopView | undefined {
  const next = SORTS[(SORTS.indexOf(view.sort) + 1) % SORTS.length] ?? 'subnet';
  const last = Math.max(0, nodes - 1);
  const keys: Readonly<Record<string, TopView | undefined>> = {
    q: undefined,
    'ctrl-c': undefined,
    s: { ...view, sort: next },
    p: { ...view, paused: !view.paused },
    h: { ...view, help: !view.help },
    up: { ...view, from: Math.max(0, view.from - 1) },
    down: { ...view, from: Math.min(last, view.from + 1) },
  };
  return key in keys ? keys[key] : view;
}

/** Looks once a second and paints, until `q` or Ctrl-C; resolves to the exit status. A look that fails ends it: the terminal is given back first. */
export async function showLive(look: () => Promise<LiveState>): Promise<number> {
  const leave = new AbortController();
  let view = FIRST;
  let exit = 0;
  let seen: readonly [LiveState | undefined, LiveState] = [undefined, await look()];
  const draw = (): void => screen.draw(topLines(seen, view, screen.size()));
  const screen = openScreen((key) => {
    const next = press(key, view, seen[1].rows.length);
    if (!next) {
      exit = key === 'ctrl-c' ? INTERRUPTED : 0;
      return leave.abort();
    }
    view = next;
    draw();
  }, draw);
  try {
    while (!leave.signal.aborted) {
      draw();
      await sleep(PERIOD_MS, undefined, { signal: leave.signal }).catch(() => undefined);
      if (!leave.signal.aborted && !view.paused) seen = [seen[1], await look()];
    }
  } finally {
    screen.close();
  }
  return exit;
}
