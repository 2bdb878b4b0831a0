import { askIfRunning } from '../control/client.ts';
import { TsflannelError } from '../errors.ts';
import { readIfThere } from '../files/atomic.ts';
import type { ForwarderCounters } from '../model/carrier-report.ts';
import type { DeviceTraffic, LiveState } from '../model/live.ts';
import type { RouteRow, StatusReport } from '../model/report.ts';
import { type LookOptions, routesNow } from './look.ts';
import { statusNow } from './status.ts';

/** Of the network namespace we are in. */
const DEVICES = '/proc/self/net/dev';

/** Columns of the kernel's table: bytes, packets, errs, drop of what came in; the same eight columns on, of what went out. */
function trafficOf(text: string, device: string): DeviceTraffic | undefined {
  const line = text.split('\n').find((one) => one.trimStart().startsWith(`${device}:`));
  const numbers = line
    ?.slice(line.indexOf(':') + 1)
    .trim()
    .split(/\s+/)
    .map(Number);
  if (!numbers) return undefined;
  const at = (column: number): number => numbers[column] ?? 0;
  return {
    device,
    received: { bytes: at(0), packets: at(1) },
    sent: { bytes: at(8), packets: at(9) },
    dropped: at(3) + at(11),
  };
}

/** Packets that programs in the kernel carry do not pass flannel0: the carrier itself counts them. */
function carrierTraffic({ node }: StatusReport): DeviceTraffic | undefined {
  const counters = node?.counters as Partial<ForwarderCounters> | undefined;
  if (!counters?.received || !counters.sent || !counters.drops) return undefined;
  const dropped = Object.values(counters.drops).reduce((sum, packets) => sum + packets, 0);
  return { device: 'flannel0', received: counters.received, sent: counters.sent, dropped };
}

async function deviceTraffic(rows: readonly RouteRow[]): Promise<DeviceTraffic | undefined> {
  const device = rows.find(({ device: name, state }) => name !== undefined && state === 'ok')?.device;
  return device === undefined ? undefined : trafficOf((await readIfThere(DEVICES)) ?? '', device);
}

/** A look at a running node with everything that moves. Throws DAEMON_NOT_RUNNING; what else fails is in the status. */
export async function liveNow(options: LookOptions): Promise<LiveState> {
  const events = await askIfRunning(options.runDir, 'events');
  if (!events) throw new TsflannelError('DAEMON_NOT_RUNNING', { socket: options.runDir, detail: 'no answer' });
  const [status, routes] = await Promise.all([statusNow(options), routesNow(options).catch(() => undefined)]);
  const rows = routes?.rows ?? [];
  const traffic = carrierTraffic(status) ?? (await deviceTraffic(rows));
  return {
    ...{ at: Date.now(), status, rows, events: events.events },
    ...(routes && { usage: routes.usage }),
    ...(traffic && { traffic }),
  };
}
