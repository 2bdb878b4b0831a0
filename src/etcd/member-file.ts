import { rm } from 'node:fs/promises';
import { TsflannelError } from '../errors.ts';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { parseIp, printIp } from '../model/address.ts';
import { parseEndpoint, printEndpoint } from '../model/endpoint.ts';
import { NODE_NAME } from '../model/lease.ts';
import { accept, field, type Parsed, parseJsonObject, reject, wholeNumber } from '../model/parsed.ts';
import { parseCluster, printCluster } from './cluster.ts';
import { parseDiscoveryUrl } from './discovery.ts';
import { type Bootstrap, type Member, memberFile } from './member.ts';

type Json = Readonly<Record<string, unknown>>;

const bootstrapJson = (bootstrap: Bootstrap): Json =>
  'cluster' in bootstrap && bootstrap.cluster ? { ...bootstrap, cluster: printCluster(bootstrap.cluster) } : bootstrap;

/** The text of the marker file. */
export const printMember = (member: Member): string =>
  `${JSON.stringify({ version: 1, ...member, ip: printIp(member.ip), bootstrap: bootstrapJson(member.bootstrap) }, null, 2)}\n`;

const text = (json: Json, name: string): string => {
  const value = field(json, name);
  return typeof value === 'string' ? value : '';
};

function parseAsked(value: unknown): Parsed<{ asked?: { base: string; size: number } }> {
  if (value === undefined) return accept({});
  if (typeof value !== 'object' || value === null) return reject('MEMBER_FILE', 'asked', 'not an object');
  const base = text(value as Json, 'base');
  const size = wholeNumber(field(value as Json, 'size'), 1, 31);
  return base !== '' && size !== undefined
    ? accept({ asked: { base, size } })
    : reject('MEMBER_FILE', 'asked', 'base and size are expected');
}

function parseDiscovery(json: Json): Parsed<Bootstrap> {
  const url = parseDiscoveryUrl(text(json, 'url'));
  if (!url.ok) return url;
  const asked = parseAsked(field(json, 'asked'));
  if (!asked.ok) return asked;
  const known = text(json, 'cluster');
  const cluster = known === '' ? undefined : parseCluster(known, 'cluster');
  if (cluster && !cluster.ok) return cluster;
  return accept({ kind: 'discovery', url: url.value, ...asked.value, ...(cluster && { cluster: cluster.value }) });
}

function parseJoined(json: Json): Parsed<Bootstrap> {
  const via = parseEndpoint(text(json, 'via'), 'via', 0);
  if (!via.ok) return via;
  if (!via.value.ip || !via.value.secure) return reject('MEMBER_FILE', 'via', 'https://ADDRESS:PORT is expected');
  const known = text(json, 'cluster');
  const cluster = known === '' ? undefined : parseCluster(known, 'cluster');
  if (cluster && !cluster.ok) return cluster;
  return accept({ kind: 'joined', via: printEndpoint(via.value), ...(cluster && { cluster: cluster.value }) });
}

function parseBootstrap(value: unknown): Parsed<Bootstrap> {
  const json = (typeof value === 'object' && value !== null ? value : {}) as Json;
  const kind = field(json, 'kind');
  if (kind === 'discovery') return parseDiscovery(json);
  if (kind === 'joined') return parseJoined(json);
  if (kind === 'static') {
    const cluster = parseCluster(text(json, 'cluster'), 'cluster');
    return cluster.ok ? accept({ kind, cluster: cluster.value }) : cluster;
  }
  const given = text(json, 'token');
  return kind === 'alone' && /^[\w-]{1,64}$/.test(given)
    ? accept({ kind, token: given })
    : reject('MEMBER_FILE', 'bootstrap', `kind ${String(kind)}`);
}

function parseSecurity(json: Json): Parsed<Pick<Member, 'pki' | 'joinPort' | 'systemd'>> {
  const pki = field(json, 'pki');
  const systemd = field(json, 'systemd') === true ? { systemd: true as const } : {};
  if (pki === undefined) return accept(systemd);
  if (typeof pki !== 'string' || !pki.startsWith('/') || pki.includes('\0'))
    return reject('MEMBER_FILE', 'pki', 'an absolute path is expected');
  const joinPort = wholeNumber(field(json, 'joinPort'), 1, 65_535);
  return accept({ ...systemd, pki, ...(joinPort !== undefined && { joinPort }) });
}

/** Parses the marker file. */
export function parseMember(content: string): Parsed<Member> {
  const json = parseJsonObject(content, 'member file');
  if (!json.ok) return json;
  const bootstrap = parseBootstrap(field(json.value, 'bootstrap'));
  if (!bootstrap.ok) return bootstrap;
  const name = text(json.value, 'name');
  const ip = parseIp(text(json.value, 'ip'));
  const clientPort = wholeNumber(field(json.value, 'clientPort'), 1, 65_535);
  const peerPort = wholeNumber(field(json.value, 'peerPort'), 1, 65_535);
  const dataDir = text(json.value, 'dataDir');
  if (field(json.value, 'version') !== 1) return reject('MEMBER_FILE', 'version', 'made by another version');
  if (!NODE_NAME.test(name) || !ip || !clientPort || !peerPort || !dataDir.startsWith('/'))
    return reject('MEMBER_FILE', 'member file', 'name, ip, clientPort, peerPort and dataDir are expected');
  const clusterId = text(json.value, 'clusterId');
  const secured = parseSecurity(json.value);
  if (!secured.ok) return secured;
  const formed = /^[0-9a-f]{1,16}$/.test(clusterId) ? { clusterId } : {};
  return accept({ name, bootstrap: bootstrap.value, ip, clientPort, peerPort, dataDir, ...secured.value, ...formed });
}

/** The marker at this path; `undefined` when there is none. Rejects with MEMBER_FILE_INVALID or FILE_UNREADABLE. */
export async function readMember(file: string): Promise<Member | undefined> {
  const content = await readIfThere(file);
  if (content === undefined) return undefined;
  const parsed = parseMember(content);
  if (parsed.ok) return parsed.value;
  const { where, detail } = parsed.rejection;
  throw new TsflannelError('MEMBER_FILE_INVALID', { file, detail: `${where}: ${detail}` });
}

/** Writes the marker beside the member's data dir, for root only: it may hold a discovery URL that is still open. */
export const writeMember = (member: Member): Promise<void> =>
  writeFileAtomic(memberFile(member.dataDir), printMember(member), 0o600);

/** Removes the marker. */
export const removeMember = (dataDir: string): Promise<void> => rm(memberFile(dataDir), { force: true });
