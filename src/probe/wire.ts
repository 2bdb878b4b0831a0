/**
 * What client and server of a measurement say to each other, one JSON document a line over TCP. The server must not trust a client it has
 * not seen the code of, nor what an honest one could not have meant; neither must believe numbers that are none.
 */
import { LIMITS, type Path } from './probe.ts';
import type { SocketAddress } from './sockets.ts';

/** Told in the first line; a server of another one is refused. */
export const PROTOCOL = 1;

/** The first line of a client. */
export interface Hello {
  readonly hello: typeof PROTOCOL;
  readonly code: string;
}

/** The answer to it. */
export interface Welcome {
  readonly paths: readonly Path[];
  /** Tells machines apart. */
  readonly machine: string;
}

/** The server opens its sockets for this and waits: for streams, or for datagrams from `from`. */
export interface Prepare {
  readonly ask: 'prepare';
  readonly what: 'tcp' | 'udp' | 'echo';
  readonly path: string;
  readonly seconds: number;
  readonly streams: number;
  readonly from: SocketAddress;
}
/** Bulk data begins to flow now: CPU time is counted from here. */
export interface Mark {
  readonly ask: 'mark';
}
/** It has ended; the server tells what arrived. */
export interface Collect {
  readonly ask: 'collect';
}
export type Question = Prepare | Mark | Collect;

export interface Prepared {
  /** 32 hexadecimal digits. */
  readonly token: string;
}
export interface Collected {
  readonly busySeconds: number;
  readonly bytes: number;
  readonly bitsPerSecond: number;
  readonly received: number;
  readonly overflowed: number;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

const within = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && value >= least && value <= most;
const isCount = (value: unknown, most: number): value is number => within(value, 0, most) && Number.isInteger(value);
const isText = (value: unknown, most: number): value is string => typeof value === 'string' && value.length <= most;
const MAX_IP = 0xffff_ffff;
const MAX_TEXT = 100;
const MAX_PATHS = 8;

/** The client's first line; `undefined` when it is not one. */
export function parseHello(line: string): Hello | undefined {
  const { hello, code } = fieldsOf(line) ?? {};
  return hello === PROTOCOL && isText(code, MAX_TEXT) ? { hello, code } : undefined;
}

function parseAddress(value: unknown): SocketAddress | undefined {
  const { ip, port } = (value ?? {}) as Fields;
  return isCount(ip, MAX_IP) && isCount(port, 0xffff) ? { ip, port } : undefined;
}

function parsePrepare({ what, path, seconds, streams, from }: Fields): Prepare | undefined {
  const address = parseAddress(from);
  if (what !== 'tcp' && what !== 'udp' && what !== 'echo') return undefined;
  if (!isText(path, MAX_TEXT) || !within(seconds, 0.1, LIMITS.seconds) || !address) return undefined;
  if (!isCount(streams, LIMITS.streams) || streams === 0) return undefined;
  return { ask: 'prepare', what, path, seconds, streams, from: address };
}

/** A question; `undefined` when it is none, or asks for more than the limits allow. */
export function parseQuestion(line: string): Question | undefined {
  const fields = fieldsOf(line);
  if (fields?.ask === 'prepare') return parsePrepare(fields);
  return fields?.ask === 'mark' || fields?.ask === 'collect' ? { ask: fields.ask } : undefined;
}

function parsePath(value: unknown): Path[] {
  const { name, ip } = (value ?? {}) as Fields;
  return isText(name, MAX_TEXT) && /^[a-z]+$/.test(name) && isCount(ip, MAX_IP) ? [{ name, ip }] : [];
}

/** The server's answer to Hello; `undefined` when it is none. */
export function parseWelcome(line: string): Welcome | undefined {
  const { paths, machine } = fieldsOf(line) ?? {};
  if (!Array.isArray(paths) || paths.length > MAX_PATHS || !isText(machine, MAX_TEXT)) return undefined;
  return { paths: paths.flatMap(parsePath), machine };
}

/** The answer to Prepare. */
export function parsePrepared(line: string): Prepared | undefined {
  const { token } = fieldsOf(line) ?? {};
  return isText(token, 32) && /^[0-9a-f]{32}$/.test(token) ? { token } : undefined;
}

/** The answer to Collect. */
export function parseCollected(line: string): Collected | undefined {
  const { busySeconds, bytes, bitsPerSecond, received, overflowed } = fieldsOf(line) ?? {};
  const most = Number.MAX_SAFE_INTEGER;
  if (!within(busySeconds, 0, most) || !within(bytes, 0, most) || !within(bitsPerSecond, 0, most)) return undefined;
  if (!within(received, 0, most) || !within(overflowed, 0, most)) return undefined;
  return { busySeconds, bytes, bitsPerSecond, received, overflowed };
}

/** What the other side complains about, in one line of plain characters; `undefined` when it does not. */
export function parseComplaint(line: string): string | undefined {
  const { error } = fieldsOf(line) ?? {};
  return isText(error, 1000) ? error.replace(/[^\x20-\x7e]/g, '?') : undefined;
}
