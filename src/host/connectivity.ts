import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../control/client.ts';
import { TsflannelError } from '../errors.ts';
import { echo } from '../liveness/echo.ts';
import { containsIp, type Prefix, parseIp, parsePrefix } from '../model/address.ts';
import {
  type ContainerFigures,
  type EchoFigures,
  judgePair,
  type PairFigures,
  type PairReport,
} from '../model/connectivity.ts';
import type { RouteRow } from '../model/report.ts';
import { type Found, findContainers } from './containers.ts';
import { type StandIn, startStandIn } from './stand-in.ts';
import { isPeer, numberOf, type PeerTarget, peersNamed } from './targets.ts';
import { measureWay, pings, withEcho } from './way.ts';

/** What is measured, and with whom. */
export interface ConnectivityOptions {
  readonly runDir: string;
  /** Names, subnets or public addresses; none: every peer. */
  readonly peers: readonly string[];
  /** Packets a second, and for how long; 0 leaves it out. */
  readonly loadRate: number;
  readonly loadSeconds: number;
  /** The way of containers too, for which a device is plugged into a bridge of this node meanwhile. */
  readonly containers: boolean;
  readonly progress: (what: string) => void;
}

/** What is the same for all pairs that begin here. */
interface Here extends ConnectivityOptions {
  readonly name: string;
  readonly mtu: number;
  readonly standIn?: StandIn;
}

async function measurePair(here: Here, { row, overlay }: PeerTarget, found: Found | undefined): Promise<PairReport> {
  here.progress(`${here.name} to ${row.node}`);
  const wish = { mtu: here.mtu, loadRate: here.loadRate, loadSeconds: here.loadSeconds };
  const [way, underlay] = await Promise.all([
    measureWay({ ...wish, host: overlay, address: numberOf(overlay) }),
    pings(numberOf(row.publicIp)),
  ]);
  const figures: PairFigures = {
    ...{ from: here.name, to: row.node, subnet: row.subnet, publicIp: row.publicIp, backend: row.backend },
    ...{ route: row.state, underlay, ...way },
    ...(found && way.overlay.received > 0 && { containers: await containersOf(here, overlay, found) }),
  };
  return { ...figures, ...judgePair(figures) };
}

/** The stand-in measures the way to the container that was found, and to the other host itself. */
async function containersOf(here: Here, overlay: string, { there, addresses, mute }: Found): Promise<ContainerFigures> {
  const { standIn, loadRate, loadSeconds } = here;
  if (!standIn) throw new Error('what was found was found by a stand-in');
  const { bridge, address: from } = standIn;
  const host = await standIn.ask('pings', numberOf(overlay));
  const [to] = addresses;
  const wish = to !== undefined && { host: to, address: numberOf(to), mtu: bridge.mtu, loadRate, loadSeconds };
  const way = wish && (await standIn.ask('measureWay', wish));
  return {
    ...{ bridge: bridge.name, from, host, there, count: addresses.length },
    ...(to !== undefined && { to }),
    ...(mute !== undefined && { mute }),
    ...(way && { way }),
  };
}

/** A stand-in for a container where one is wanted and this node has a bridge for it. */
async function standInOf({ containers, progress }: ConnectivityOptions, subnet: string): Promise<StandIn | undefined> {
  if (!containers) return undefined;
  const standIn = await startStandIn(parsePrefix(subnet) as Prefix);
  if (!standIn) progress(`no bridge of this node is in ${subnet}: the way of containers is not measured`);
  return standIn;
}

/**
 * Measures the way from this node to each peer: echo through the network and beside it, the largest packet, TCP, UDP, loss under load; and the same
 * from a stand-in for a container to a container over there. Throws DAEMON_NOT_RUNNING, NOT_ROOT, USAGE.
 */
export async function testConnectivity(options: ConnectivityOptions): Promise<readonly PairReport[]> {
  const [{ rows }, { mtu, subnet }] = await Promise.all([ask(options.runDir, 'routes'), ask(options.runDir, 'status')]);
  const name = rows.find(({ state }) => state === 'this node')?.node ?? 'this node';
  const targets = peersNamed(rows, options.peers);
  const standIn = await standInOf(options, subnet);
  try {
    if (standIn) options.progress(`looking for containers of ${targets.length} nodes from ${standIn.address}`);
    const found = standIn && (await findContainers(standIn, targets));
    const here = { ...options, name, mtu, ...(standIn && { standIn }) };
    const reports: PairReport[] = [];
    for (const target of targets) reports.push(await measurePair(here, target, found?.get(target)));
    return reports;
  } finally {
    await standIn?.close();
  }
}

/** Is found as a container of this node by the test on other nodes, for so long or until a signal ends this process. Throws as testConnectivity, USAGE. */
export async function answerConnectivity(
  runDir: string,
  seconds: number,
  answering: (address: string, bridge: string) => void,
): Promise<void> {
  const { subnet } = await ask(runDir, 'status');
  const standIn = await startStandIn(parsePrefix(subnet) as Prefix);
  if (!standIn) throw new TsflannelError('USAGE', { detail: `no bridge of this node is in ${subnet}` });
  try {
    answering(standIn.address, standIn.bridge.name);
    await sleep(seconds * 1000);
  } finally {
    await standIn.close();
  }
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
    withEcho({ whole }, (port) => echo(port, { ...wish, address: numberOf(address) }, tell));
  const [inner, outer] = await Promise.all([to(overlay, answered), row ? to(row.publicIp) : undefined]);
  return {
    ...{ to: row?.node ?? overlay, address: overlay, device: row?.device ?? '-', overlay: inner },
    ...(outer && { underlay: outer }),
  };
}
