/** Asks once a second and shows what came. */
import type { LivePage } from '../model/live.ts';
import { byId } from './elements.ts';
import { showDetails, showEvents, showMap, showState, showTable, showTopology } from './parts.ts';

const PERIOD_MS = 1_000;

let selected: string | undefined;
let last: LivePage | undefined;

function show(page: LivePage): void {
  last = page;
  showState(page);
  showTopology(page, selected);
  showMap(page);
  showTable(page, selected);
  showDetails(page, selected);
  showEvents(page);
}

function away(why: string): void {
  const head = byId('state');
  head.className = 'down';
  head.textContent = `no answer: ${why}`;
}

async function look(): Promise<void> {
  try {
    const answer = await fetch('state', { cache: 'no-store' });
    const body = await answer.json();
    if (answer.ok) show(body as LivePage);
    else away(String(body.error?.what ?? answer.status));
  } catch {
    away('tsflannel ui has ended');
  }
}

async function live(): Promise<never> {
  for (;;) {
    if (!document.hidden) await look();
    await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
  }
}

function select(key: string | null | undefined): void {
  if (key === null || key === undefined) return;
  selected = selected === key ? undefined : key;
  if (last) show(last);
}

const keyOf = (target: EventTarget | null): string | null | undefined =>
  target instanceof Element ? target.closest('[data-key]')?.getAttribute('data-key') : undefined;

/** The arrows go from node to node in the picture and in the map. */
function step(event: KeyboardEvent): void {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const active = document.activeElement;
  const group = active?.closest('#topology, #map');
  if (by === undefined || !group) return;
  const all = [...group.querySelectorAll<HTMLElement | SVGElement>('[data-key]')];
  const at = all.indexOf(active as HTMLElement | SVGElement);
  all[(at + by + all.length) % all.length]?.focus();
  event.preventDefault();
}

/** As the system says, until the button is pressed. */
function turnTheme(): void {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = isDark ? 'light' : 'dark';
}

document.addEventListener('click', ({ target }) => select(keyOf(target)));
document.addEventListener('keydown', (event) => {
  // Buttons press themselves; what is drawn does not.
  if ((event.key === 'Enter' || event.key === ' ') && event.target instanceof SVGElement) {
    select(keyOf(event.target));
    event.preventDefault();
  }
  step(event);
});
byId('theme').addEventListener('click', turnTheme);
void live();
