/** The parts of the page, made anew from each look. */
import { milliseconds } from '../model/duration.ts';
import { bitRate, type Flow, type LivePage, type Rate } from '../model/live.ts';
import { type RouteRow, usageText } from '../model/report.ts';
import { byId, html, svg } from './elements.ts';
import { addressMap, type Cell, healthOf, linkWidth, MAX_DRAWN, type Point, placeNodes, stateText } from './layout.ts';

/** Told which node somebody wants to know more of. */
export type Select = (key: string) => void;

const rate = (one: Rate | undefined): string =>
  one ? `${bitRate(one.bits)}, ${Math.round(one.packets)} packets/s` : '–';
const trip = (micros: number | undefined): string => (micros === undefined ? '–' : milliseconds(micros));
const loss = ({ liveness }: RouteRow): string =>
  liveness && liveness.asked > 0 ? `${Math.round((100 * liveness.lost) / liveness.asked)} %` : '–';

/** First line, facts, and each check that is not well. */
export function showState({ state: { status, usage }, device }: LivePage): void {
  const { node, state, checks } = status;
  const head = byId('state');
  head.className = state;
  head.textContent = node
    ? `${state}: ${node.subnet} of ${node.network}, ${node.backend} over ${node.interface}, mtu ${node.mtu}`
    : state;
  byId('traffic').textContent = `in ${rate(device.received)}; out ${rate(device.sent)}`;
  byId('usage').textContent = usage ? usageText(usage) : '';
  const wrong = checks.filter((check) => check.state !== 'ok');
  byId('checks').replaceChildren(
    ...wrong.map(({ name, state: how, detail }) => html('li', { class: how }, `${name}: ${detail}`)),
  );
}

const label = (row: RouteRow, flow: Flow): string =>
  `${row.node}, ${row.subnet}, ${stateText(row)}, round trip ${trip(row.liveness?.rttMicros)}, loss ${loss(row)}, out ${rate(flow.sent)}`;

function nodeElement({ row, x, y }: Point, flow: Flow, selected: boolean): SVGElement {
  const attributes = {
    class: `node ${healthOf(row)}${selected ? ' selected' : ''}`,
    'data-key': row.key,
    tabindex: 0,
    role: 'button',
  };
  return svg(
    'g',
    {
      ...attributes,
      'aria-label': label(row, flow),
      'aria-pressed': String(selected),
      transform: `translate(${x} ${y})`,
    },
    svg('circle', { r: row.state === 'this node' ? 9 : 6 }),
    svg('text', { y: row.state === 'this node' ? 15 : 12 }, row.node),
  );
}

function linkElement({ row, x, y }: Point, flow: Flow): SVGElement {
  const title = `${row.node}: out ${rate(flow.sent)}; in ${rate(flow.received)}; loss ${loss(row)}`;
  const line = svg('line', {
    x1: 0,
    y1: 0,
    x2: x,
    y2: y,
    'stroke-width': linkWidth(flow),
    class: `link ${healthOf(row)}`,
  });
  line.append(svg('title', {}, title));
  return line;
}

/** The one that had the focus has it again after everything was made anew. */
function keepFocus(within: Element, remake: () => void): void {
  const active = document.activeElement;
  const key = active && within.contains(active) ? active.getAttribute('data-key') : null;
  remake();
  if (key === null) return;
  const again = [...within.querySelectorAll('[data-key]')].find((one) => one.getAttribute('data-key') === key);
  if (again instanceof HTMLElement || again instanceof SVGElement) again.focus();
}

/** This node in the middle, a link to each peer: colour is health, width is traffic. */
export function showTopology({ state, flows }: LivePage, selected: string | undefined): void {
  const points = placeNodes(state.rows);
  const flowOf = (row: RouteRow): Flow => flows[row.key] ?? {};
  const links = points
    .filter(({ row }) => row.state !== 'this node')
    .map((point) => linkElement(point, flowOf(point.row)));
  const nodes = points.map((point) => nodeElement(point, flowOf(point.row), point.row.key === selected));
  const topology = byId('topology');
  keepFocus(topology, () => topology.replaceChildren(...links, ...nodes));
  const more = state.rows.length - points.length;
  byId('more').textContent = more > 0 && points.length > MAX_DRAWN ? `${more} more are in the table` : '';
}

const cellText = ({ name, rows }: Cell): string =>
  rows.length === 0
    ? `${name}: free`
    : `${name}: ${rows.map((row) => `${row.node}${row.leaseId === '0' ? ' (reserved)' : ''}`).join(', ')}`;

function cellElement(cell: Cell): HTMLElement {
  const [row] = cell.rows;
  const kind = !row ? 'free' : cell.rows.some(({ state }) => state === 'this node') ? 'own' : healthOf(row);
  const text = cellText(cell);
  if (!row) return html('span', { class: 'cell free', title: text });
  return html('button', {
    class: `cell ${kind}`,
    title: text,
    'aria-label': text,
    'data-key': row.key,
    type: 'button',
  });
}

/** Who holds what of the network. */
export function showMap({ state: { status, rows } }: LivePage): void {
  const { node } = status;
  const cells = node ? addressMap(node.network, node.subnet, rows) : [];
  const map = byId('map');
  keepFocus(map, () => map.replaceChildren(...cells.map(cellElement)));
}

function rowElement(row: RouteRow, flow: Flow, selected: boolean): HTMLElement {
  const values = [row.subnet, row.publicIp, row.backend, stateText(row), trip(row.liveness?.rttMicros), loss(row)];
  const cells = [...values, rate(flow.received), rate(flow.sent), row.traffic ? String(row.traffic.refused) : '–'];
  const name = html(
    'th',
    { scope: 'row' },
    html('button', { type: 'button', 'data-key': row.key, 'aria-pressed': String(selected) }, row.node),
  );
  return html(
    'tr',
    { class: `${healthOf(row)}${selected ? ' selected' : ''}` },
    name,
    ...cells.map((text) => html('td', {}, text)),
  );
}

/** Every row that `routes` has. */
export function showTable({ state: { rows }, flows }: LivePage, selected: string | undefined): void {
  const body = byId('rows');
  keepFocus(body, () =>
    body.replaceChildren(...rows.map((row) => rowElement(row, flows[row.key] ?? {}, row.key === selected))),
  );
}

/** All that is known of one node. */
export function showDetails({ state: { rows }, flows }: LivePage, selected: string | undefined): void {
  const row = rows.find(({ key }) => key === selected);
  const flow = (row && flows[row.key]) ?? {};
  const facts: readonly (readonly [string, string | undefined])[] = row
    ? [
        ['node', row.node],
        ['subnet', row.subnet],
        ['public address', row.publicIp],
        ['reached over', row.nextHop ? `${row.device} by ${row.nextHop}` : row.device],
        ['state', stateText(row)],
        ['because', row.detail ?? row.liveness?.detail],
        ['round trip', trip(row.liveness?.rttMicros)],
        ['loss', loss(row)],
        ['in', rate(flow.received)],
        ['out', rate(flow.sent)],
        ['lease ends in', row.left === undefined ? undefined : `${Math.round(row.left / 60)} min`],
      ]
    : [];
  const shown = facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
  byId('details').replaceChildren(...shown.flatMap(([name, value]) => [html('dt', {}, name), html('dd', {}, value)]));
  byId('hint').hidden = row !== undefined;
}

let newest = '';

/** The newest first; untouched while nothing happens, so that it is read out once. */
export function showEvents({ state: { events } }: LivePage): void {
  const last = events.at(-1);
  const mark = `${last?.at} ${last?.event} ${last?.detail}`;
  if (mark === newest) return;
  newest = mark;
  const items = [...events]
    .reverse()
    .map(({ at, event, detail }) => html('li', {}, html('time', {}, at.slice(11, 19)), ` ${event} ${detail}`));
  byId('events').replaceChildren(...items);
}
