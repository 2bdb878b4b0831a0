/** A node seen twice, a moment apart: what `top` and the page show. */
import type { DaemonEvent, RouteRow, StatusReport, Usage } from './report.ts';

/** Counters of a device since it was made. */
export interface DeviceTraffic {
  readonly device: string;
  readonly received: { readonly packets: number; readonly bytes: number };
  readonly sent: { readonly packets: number; readonly bytes: number };
  readonly dropped: number;
}

/** One look at a node. */
export interface LiveState {
  /** ms since 1970. */
  readonly at: number;
  readonly status: StatusReport;
  readonly rows: readonly RouteRow[];
  readonly usage?: Usage;
  readonly events: readonly DaemonEvent[];
  /** Of the device packets go through: flannel's own, or with host-gw the underlay's. */
  readonly traffic?: DeviceTraffic;
}

/** A second's worth. */
export interface Rate {
  readonly packets: number;
  readonly bits: number;
}

const UNITS = ['', 'k', 'M', 'G', 'T'];

/** `1.2 Mbit/s`; three figures are enough to look at. */
export function bitRate(bits: number): string {
  const power = bits < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bits) / 3));
  const value = bits / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}bit/s`;
}

interface Counted {
  readonly packets: number;
  readonly bytes: number;
}

/** What passed between two looks `ms` apart, by the second; `undefined` when the counter began anew. */
export function rate(before: Counted | undefined, now: Counted | undefined, ms: number): Rate | undefined {
  if (!before || !now || ms <= 0 || now.bytes < before.bytes || now.packets < before.packets) return undefined;
  const perSecond = 1000 / ms;
  return { packets: (now.packets - before.packets) * perSecond, bits: (now.bytes - before.bytes) * 8 * perSecond };
}

/** In both directions, seen from this node. */
export interface Flow {
  readonly received?: Rate;
  readonly sent?: Rate;
}

type Both = { readonly received: Counted; readonly sent: Counted };

function flow(before: Both | undefined, now: Both | undefined, ms: number): Flow {
  const [received, sent] = [rate(before?.received, now?.received, ms), rate(before?.sent, now?.sent, ms)];
  return { ...(received && { received }), ...(sent && { sent }) };
}

export interface Flows {
  readonly device: Flow;
  /** By the key of the lease. */
  readonly peers: ReadonlyMap<string, Flow>;
}

/** What passed between two looks. */
export function flowsBetween(before: LiveState | undefined, now: LiveState): Flows {
  const ms = before ? now.at - before.at : 0;
  const former = new Map(before?.rows.map((row) => [row.key, row.traffic]));
  const same = before?.traffic?.device === now.traffic?.device;
  return {
    device: flow(same ? before?.traffic : undefined, now.traffic, ms),
    peers: new Map(now.rows.map((row) => [row.key, flow(former.get(row.key), row.traffic, ms)])),
  };
}

/** What the page is given each time it asks. */
export interface LivePage {
  readonly state: LiveState;
  readonly device: Flow;
  /** By the key of the lease. */
  readonly flows: Readonly<Record<string, Flow>>;
}

/** The page of this look; rates need the look before. */
export function livePage(before: LiveState | undefined, state: LiveState): LivePage {
  const { device, peers } = flowsBetween(before, state);
  return { state, device, flows: Object.fromEntries(peers) };
}
