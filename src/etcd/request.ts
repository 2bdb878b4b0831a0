import { resolve } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { type Ip, parseIp, printIp } from '../model/address.ts';
import { NODE_NAME } from '../model/lease.ts';
import { printable } from '../model/parsed.ts';
import type { CaFiles } from './pki-files.ts';
import { type Wish, type WishFlags, wishFlags, wishOf } from './wish.ts';

/** How members and clients speak to each other. */
export type Security =
  | { readonly kind: 'insecure' }
  /** A CA that tsflannel makes. */
  | { readonly kind: 'own' }
  | { readonly kind: 'given'; readonly ca: CaFiles };

/** What a user said about the member; what is absent was left open. */
export interface InitRequest {
  readonly wish?: Wish;
  readonly name?: string;
  readonly ip?: Ip;
  readonly clientPort?: number;
  readonly peerPort?: number;
  readonly security?: Security;
  readonly joinPort?: number;
}

/** Flags of `init` that make up the request, as oclif hands them over. */
export interface InitFlags extends WishFlags {
  readonly name?: string | undefined;
  readonly 'advertise-ip'?: string | undefined;
  readonly 'client-port'?: number | undefined;
  readonly 'peer-port'?: number | undefined;
  readonly 'join-port'?: number | undefined;
  readonly insecure?: boolean | undefined;
  readonly 'ca-cert'?: string | undefined;
  readonly 'ca-key'?: string | undefined;
}

const usage = (detail: string): TsflannelError => new TsflannelError('USAGE', { detail });

/** Why text is not a member's name; `undefined` when it is one. */
export const nameProblem = (text: string): string | undefined =>
  NODE_NAME.test(text) ? undefined : `${printable(text)}: letters, digits, dot, dash and underscore make a name`;

function nameOf(text: string): string {
  const problem = nameProblem(text);
  if (problem !== undefined) throw usage(`--name ${problem}`);
  return text;
}

function ipOf(text: string): Ip {
  const ip = parseIp(text);
  if (!ip) throw usage(`--advertise-ip ${printable(text)}: an address is expected`);
  return ip;
}

function securityOf(flags: InitFlags): Security | undefined {
  const { insecure, 'ca-cert': cert, 'ca-key': key } = flags;
  if ((cert === undefined) !== (key === undefined)) throw usage('--ca-cert and --ca-key go together');
  if (insecure && cert !== undefined) throw usage('--insecure means no TLS, --ca-cert and --ca-key are for TLS');
  if (cert !== undefined && key !== undefined) return { kind: 'given', ca: { cert: resolve(cert), key: resolve(key) } };
  return insecure ? { kind: 'insecure' } : undefined;
}

/** The request in the flags. Throws USAGE or DISCOVERY_INVALID. */
export function parseRequest(flags: InitFlags): InitRequest {
  const wish = wishOf(flags);
  const { name, 'advertise-ip': ip, 'client-port': clientPort, 'peer-port': peerPort, 'join-port': joinPort } = flags;
  if (clientPort !== undefined && clientPort === peerPort)
    throw usage('--client-port and --peer-port are the same port');
  const security = securityOf(flags);
  return {
    ...(wish && { wish }),
    ...(name !== undefined && { name: nameOf(name) }),
    ...(ip !== undefined && { ip: ipOf(ip) }),
    ...(clientPort !== undefined && { clientPort }),
    ...(peerPort !== undefined && { peerPort }),
    ...(joinPort !== undefined && { joinPort }),
    ...(security && { security }),
  };
}

/** A word as a shell takes it. */
export const quoted = (text: string): string =>
  /^[\w./:@=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** The flags that say the same as this answer. */
export const securityFlags = (security: Security): readonly string[] => {
  if (security.kind === 'insecure') return ['--insecure'];
  return security.kind === 'own' ? [] : ['--ca-cert', quoted(security.ca.cert), '--ca-key', quoted(security.ca.key)];
};

/** The command line that makes this member without a question. */
export function commandLine(wish: Wish, chosen: Required<Omit<InitRequest, 'wish'>>, more: readonly string[]): string {
  const ports = [
    ...(chosen.clientPort === 2379 ? [] : ['--client-port', String(chosen.clientPort)]),
    ...(chosen.peerPort === 2380 ? [] : ['--peer-port', String(chosen.peerPort)]),
    ...(chosen.joinPort === 2381 ? [] : ['--join-port', String(chosen.joinPort)]),
  ];
  const own = ['--name', chosen.name, '--advertise-ip', printIp(chosen.ip), ...ports];
  return [
    'tsflannel init --yes',
    ...securityFlags(chosen.security),
    ...wishFlags(wish).map(quoted),
    ...own,
    ...more.map(quoted),
  ].join(' ');
}
