import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { ask } from '../control/client.ts';
import { TsflannelError } from '../errors.ts';
import { echo, largest } from '../liveness/echo.ts';
import { containsIp, type Prefix, parseIp, parsePrefix, printIp } from '../model/address.ts';
import {
  type EchoFigures,
  judgePair,
  type PairFigures,
  type PairReport,
  type PortAnswer,
} from '../model/connectivity.ts';
import type { RouteRow } from '../model/report.ts';
import { openEchoSocket } from '../sys/echo-socket.ts';

/** What is measured, and with whom. */
export interface ConnectivityOptions {
  readonly runDir: string;
  /** Names, subnets or public addresses; none: every peer. */
  readonly peers: readonly string[];
  /** Packets a second, and for how long; 0 leaves it out. */
  readonly loadRate: number;
  readonly loadSeconds: number;
  readonly progress: (what: string) => void;
}

const PINGS = 20;
const PING_EVERY_MS = 10;
const PORT_MS = 2_000;
/** A port that nobody has: the discard service's. */
const CLOSED_PORT = 9;

/** A peer, and the address that stands for it in the network: that of its flannel device, or the host's own with host-gw. */
export interface PeerTarget {
  readonly row: RouteRow;
  readonly overlay: string;
}

const targetOf = (row: RouteRow): PeerTarget => {
  const subnet = parsePrefix(row.subnet) as Prefix;
  const first = printIp({ family: 4, value: subnet.address });
  return { row, overlay: row.backend === 'host-gw' ? row.publicIp : first };
};

const isPeer = ({ state, leaseId }: RouteRow): boolean =>
  leaseId !== undefined && state !== 'this node' && state !== 'rejected';

const numberOf = (address: string): number => Number(parseIp(address)?.value ?? 0n);

/** The peers that are meant by these names. Throws USAGE for one that nobody has. */
export function peersNamed(rows: readonly RouteRow[], names: readonly string[]): readonly PeerTarget[] {
  const peers = rows.filter(isPeer);
  if (names.length === 0) return peers.map(targetOf);
  return names.map((name) => {
    const found = peers.find(({ node, subnet, publicIp }) => [node, subnet, publicIp].includes(name));
    if (found) return targetOf(found);
    const known = peers.map(({ node }) => node).join(', ') || 'none';
    throw new TsflannelError('USAGE', { detail: `there is no peer ${name} (peers: ${known})` });
  });
}

function tcpAnswer(host: string): Promise<PortAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: CLOSED_PORT, timeout: PORT_MS });
    const end = (answer: PortAnswer): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end('open'));
    socket.once('timeout', () => end('silent'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(code === 'ECONNREFUSED' ? 'refused' : 'silent'));
  });
}

/** The kernel answers to a port nobody has by an ICMP error, which a connected socket hears of. */
function udpAnswer(host: string): Promise<PortAnswer> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (answer: PortAnswer): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end('silent'), PORT_MS);
    socket.once('error', () => end('refused'));
    socket.once('message', () => end('open'));
    socket.connect(CLOSED_PORT, host, () => socket.send('tsflannel'));
  });
}

async function withEcho<T>(whole: boolean, use: (port: ReturnType<typeof openEchoSocket>) => Promise<T>): Promise<T> {
  const port = openEchoSocket({ whole });
  try {
    return await use(port);
  } finally {
    port.close();
  }
}

/** What is the same for all pairs that begin here. */
interface Here extends ConnectivityOptions {
  readonly name: string;
  readonly mtu: number;
}

async function more({ loadRate, loadSeconds, mtu }: Here, overlay: string): Promise<Partial<PairFigures>> {
  const address = numberOf(overlay);
  const largestPacket = await withEcho(true, (port) => largest(port, address, mtu));
  const [tcp, udp] = await Promise.all([tcpAnswer(overlay), udpAnswer(overlay)]);
  const wish = { address, count: loadRate * loadSeconds, everyMs: 1000 / loadRate, bytes: Math.min(1400, mtu) };
  const load = loadRate * loadSeconds > 0 ? await withEcho(false, (port) => echo(port, wish)) : undefined;
  return { tcp, udp, ...(largestPacket !== undefined && { largest: largestPacket }), ...(load && { load }) };
}

async function measurePair(here: Here, { row, overlay }: PeerTarget): Promise<PairReport> {
  here.progress(`${here.name} to ${row.node}`);
  const pings = { count: PINGS, everyMs: PING_EVERY_MS };
  const [inner, outer] = await Promise.all(
    [overlay, row.publicIp].map((address) =>
      withEcho(false, (port) => echo(port, { address: numberOf(address), ...pings })),
    ),
  );
  if (!inner || !outer) throw new Error('two measurements, two results');
  const figures: PairFigures = {
    ...{ from: here.name, to: row.node, subnet: row.subnet, publicIp: row.publicIp, backend: row.backend },
    ...{ route: row.state, overlay: inner, underlay: outer, mtu: here.mtu },
    ...(inner.received > 0 && (await more(here, overlay))),
  };
  return { ...figures, ...judgePair(figures) };
}

/**
 * Measures the way from this node to each peer: echo through the network and beside it, the largest packet, TCP, UDP, loss under load. Throws
 * DAEMON_NOT_RUNNING, NOT_ROOT, USAGE.
 */
export async function testConnectivity(options: ConnectivityOptions): Promise<readonly PairReport[]> {
  const [{ rows }, { mtu }] = await Promise.all([ask(options.runDir, 'routes'), ask(options.runDir, 'status')]);
  const name = rows.find(({ state }) => state === 'this node')?.node ?? 'this node';
  const reports: PairReport[] = [];
  for (const peer of peersNamed(rows, options.peers)) reports.push(await measurePair({ ...options, name, mtu }, peer));
  return reports;
}

/** What `ping` is told. */
export interface PingOptions {
  readonly runDir: string;
  /** Name, subnet or public address of a peer, or any address. */
  readonly to: string;
  readonly count: number;
  readonly intervalMs: number;
  /** Of each packet, IPv4 header and all; absent: the smallest. */
  readonly bytes: number | undefined;
  readonly whole: boolean;
  readonly answered: (sequence: number, rttMicros: number) => void;
}

export interface PingReport {
  readonly to: string;
  readonly address: string;
  readonly device: string;
  readonly overlay: EchoFigures;
  /** Of the peer's public address, where `to` is a peer. */
  readonly underlay?: EchoFigures;
}

/** An address may be any that the network leads to; else it is a peer that is meant. Throws USAGE. */
async function pingTarget({ runDir, to }: PingOptions): Promise<{ overlay: string; row?: RouteRow }> {
  const { rows } = await ask(runDir, 'routes');
  const ip = parseIp(to);
  if (ip?.family !== 4 || rows.some(({ publicIp }) => publicIp === to)) {
    const [peer] = peersNamed(rows, [to]);
    if (peer) return peer;
  }
  const row = rows.find(({ subnet }) => ip && containsIp(parsePrefix(subnet) as Prefix, ip));
  return { overlay: to, ...(row && isPeer(row) && { row }) };
}

/** Echo to a node or address of the network, and beside it to the node's public address. Throws DAEMON_NOT_RUNNING, NOT_ROOT, USAGE. */
export async function ping(options: PingOptions): Promise<PingReport> {
  const { count, intervalMs, bytes, whole, answered } = options;
  const { overlay, row } = await pingTarget(options);
  const wish = { count, everyMs: intervalMs, ...(bytes !== undefined && { bytes }) };
  const to = (address: string, tell?: PingOptions['answered']) =>
    withEcho(whole, (port) => echo(port, { ...wish, address: numberOf(address) }, tell));
  const [inner, outer] = await Promise.all([to(overlay, answered), row ? to(row.publicIp) : undefined]);
  return {
    ...{ to: row?.node ?? overlay, address: overlay, device: row?.device ?? '-', overlay: inner },
    ...(outer && { underlay: outer }),
  };
}
