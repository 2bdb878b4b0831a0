import { ask } from '../control/client.ts';
import { TsflannelError } from '../errors.ts';
import { tryTool } from '../kernel/linux/tool.ts';
import { echo } from '../liveness/echo.ts';
import { containsIp, type Ip, type Prefix, parseIp4, parsePrefix, printIp } from '../model/address.ts';
import type { RouteRow } from '../model/report.ts';
import { openEchoSocket } from '../sys/echo-socket.ts';
import {
  type DeviceFacts,
  type Hop,
  hopsOf,
  type RouteAnswer,
  type RuleFacts,
  type TraceEvidence,
} from '../trace/hops.ts';
import { peersNamed } from './targets.ts';

export interface TraceOptions {
  readonly runDir: string;
  /** An address of this host's subnet; `undefined`: the host's own in it. */
  readonly from: string | undefined;
  /** An address, or a node by name, subnet or public address. */
  readonly to: string;
}

export interface TraceReport {
  readonly from: string;
  readonly to: string;
  readonly hops: readonly Hop[];
}

type Json = Readonly<Record<string, unknown>>;

const PINGS = { count: 5, everyMs: 20 } as const;

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
const objectOf = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

/** The first object an `ip -json` command prints, or the last line of why not. */
async function first(tool: string, ...args: string[]): Promise<Json | string> {
  const { exitCode, stdout, stderr } = await tryTool(tool, ['-json', ...args]);
  if (exitCode !== 0) return stderr.trim().split('\n').at(-1)?.replace('RTNETLINK answers: ', '') ?? 'no answer';
  try {
    return objectOf((JSON.parse(stdout || '[]') as unknown[])[0]);
  } catch {
    return `${tool} printed no JSON`;
  }
}

async function routeTo(address: string, ...how: string[]): Promise<RouteAnswer | string> {
  const answer = await first('ip', 'route', 'get', address, ...how);
  if (typeof answer === 'string') return answer;
  const [device, via, source] = [text(answer.dev), text(answer.gateway), text(answer.prefsrc)];
  if (device === undefined) return 'no route';
  return { device, local: answer.type === 'local', ...(via && { via }), ...(source && { source }) };
}

async function deviceFacts(name: string): Promise<DeviceFacts | undefined> {
  const link = await first('ip', '-details', '-statistics', 'link', 'show', 'dev', name);
  if (typeof link === 'string') return undefined;
  const info = objectOf(link.linkinfo);
  const data = objectOf(info.info_data);
  const stats = objectOf(link.stats64);
  const [received, sent] = [objectOf(stats.rx), objectOf(stats.tx)];
  return {
    ...{ name, kind: text(info.info_kind) ?? '-', mtu: numberOf(link.mtu) },
    up: Array.isArray(link.flags) && link.flags.includes('UP'),
    ...{ sent: numberOf(sent.packets), received: numberOf(received.packets) },
    dropped: numberOf(sent.dropped) + numberOf(received.dropped),
    ...(info.info_kind === 'vxlan' && { vni: numberOf(data.id), port: numberOf(data.port) }),
  };
}

async function macOf(address: string, device: string): Promise<string | undefined> {
  const answer = await first('ip', 'neighbour', 'show', address, 'dev', device);
  return typeof answer === 'string' ? undefined : text(answer.lladdr);
}

async function vtepOf(mac: string, device: string): Promise<string | undefined> {
  const { exitCode, stdout } = await tryTool('bridge', ['-json', 'fdb', 'show', 'dev', device]);
  const entries = exitCode === 0 ? (JSON.parse(stdout || '[]') as unknown[]).map(objectOf) : [];
  return text(entries.find((entry) => entry.mac === mac)?.dst);
}

const RULE = /^\[(\d+):\d+\] -A (TSFLANNEL-\S+) (.*)$/;

/** Rules of ours in either flavour of iptables. */
async function rulesOf(): Promise<readonly RuleFacts[] | undefined> {
  const saved = await Promise.all(
    ['iptables-nft-save', 'iptables-legacy-save'].map((tool) => tryTool(tool, ['-c']).catch(() => undefined)),
  );
  const lines = saved.flatMap((one) => (one?.exitCode === 0 ? one.stdout.split('\n') : []));
  if (lines.length === 0) return undefined;
  return lines.flatMap((line) => {
    const [, packets, chain, rule] = RULE.exec(line) ?? [];
    return chain !== undefined && rule !== undefined ? [{ chain, text: rule, packets: Number(packets) }] : [];
  });
}

/** The named node's own address in the network, or the address that was given, with the lease that holds it. */
function destination(rows: readonly RouteRow[], to: string): { readonly address: string; readonly row?: RouteRow } {
  const ip = parseIp4(to);
  const holds =
    (one: Ip) =>
    ({ subnet, leaseId }: RouteRow) =>
      leaseId !== undefined && containsIp(parsePrefix(subnet) as Prefix, one);
  const row = ip && rows.find(holds(ip));
  if (ip && !rows.some(({ publicIp }) => publicIp === to)) return { address: to, ...(row && { row }) };
  const [peer] = peersNamed(rows, [to]);
  if (!peer) throw new TsflannelError('USAGE', { detail: `${to} is no address and no peer` });
  return { address: peer.overlay, row: peer.row };
}

/** The host's own address in its subnet: what containers send through has it, or the tunnel's device. */
async function ownAddress(subnet: string): Promise<string> {
  const prefix = parsePrefix(subnet) as Prefix;
  const gateway = printIp({ family: 4, value: prefix.address + 1n });
  const answer = await routeTo(gateway);
  return typeof answer !== 'string' && answer.local ? gateway : printIp({ family: 4, value: prefix.address });
}

async function onTheWay(route: RouteAnswer | string): Promise<Partial<TraceEvidence>> {
  if (typeof route === 'string' || route.local) return {};
  const device = await deviceFacts(route.device);
  const mac = device?.kind === 'vxlan' && route.via !== undefined ? await macOf(route.via, route.device) : undefined;
  const vtep = mac === undefined ? undefined : await vtepOf(mac, route.device);
  return { ...(device && { device }), ...(mac !== undefined && { mac }), ...(vtep !== undefined && { vtep }) };
}

async function onUnderlay(row: RouteRow | undefined): Promise<Partial<TraceEvidence>> {
  if (!row) return {};
  const outer = await routeTo(row.publicIp);
  if (typeof outer === 'string') return { outer };
  const [outerMac, underlay] = await Promise.all([
    macOf(outer.via ?? row.publicIp, outer.device),
    deviceFacts(outer.device),
  ]);
  return { outer, ...(outerMac !== undefined && { outerMac }), ...(underlay && { underlay }) };
}

async function answerOf(row: RouteRow | undefined): Promise<Partial<TraceEvidence>> {
  if (row?.state !== 'ok') return {};
  const [peer] = peersNamed([row], []);
  const port = openEchoSocket();
  try {
    return { answer: await echo(port, { address: Number(parseIp4(peer?.overlay ?? '')?.value ?? 0n), ...PINGS }) };
  } finally {
    port.close();
  }
}

/** Follows a packet through this host. Throws DAEMON_NOT_RUNNING, USAGE, NOT_ROOT, TOOL_MISSING. */
export async function trace({ runDir, from, to }: TraceOptions): Promise<TraceReport> {
  if (from !== undefined && !parseIp4(from))
    throw new TsflannelError('USAGE', { detail: `--from ${from}: not an IPv4 address` });
  const [{ rows }, { subnet }] = await Promise.all([ask(runDir, 'routes'), ask(runDir, 'status')]);
  const { address, row } = destination(rows, to);
  const sender = from ?? (await ownAddress(subnet));
  const origin = await routeTo(sender);
  const forwarded = typeof origin !== 'string' && !origin.local;
  const route = await routeTo(address, 'from', sender, ...(forwarded ? ['iif', origin.device] : []));
  const [way, outer, answer, rules] = await Promise.all([onTheWay(route), onUnderlay(row), answerOf(row), rulesOf()]);
  const evidence = { from: sender, to: address, origin, route, ...way, ...outer, ...answer };
  return { from: sender, to: address, hops: hopsOf({ ...evidence, ...(rules && { rules }), ...(row && { row }) }) };
}
